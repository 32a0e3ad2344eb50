package schema

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkFormat parses what the server's Go types parse when they are decoded, and the two meanings of a value that may
// be a number or a text. The validator for CRDs knows none of these formats and ignores them.
func checkFormat(value any, n *node, at *field.Path, errs *field.ErrorList) {
	if n.structural.ValueValidation == nil || value == nil {
		return
	}
	format := n.structural.ValueValidation.Format
	text, isText := value.(string)
	var err error
	switch format {
	case "int32", "int64":
		err = checkInteger(value, format)
	case "int-or-string", "percent", "port":
		if err = checkInteger(value, "int32"); err == nil {
			*errs = append(*errs, checkMeaning(value, format, at)...)
		}
	case "quantity":
		err = parseQuantity(value)
	case "date-time":
		if isText { // otherwise its type is refused already
			_, err = time.Parse(time.RFC3339, text)
		}
	case "base64":
		if isText {
			_, err = base64.StdEncoding.DecodeString(text)
		}
	}
	if err != nil {
		*errs = append(*errs, field.TypeInvalid(at, value, err.Error()))
	}
}

// checkInteger refuses what has the value of a whole number and does not decode as one.
func checkInteger(value any, format string) error {
	switch value := value.(type) {
	case int64:
		if format == "int32" && int64(int32(value)) != value {
			return errors.New("does not fit into 32 bits")
		}
	case float64:
		if value == math.Trunc(value) {
			return errors.New("must be written without a fraction or exponent")
		}
	}
	return nil
}

// checkMeaning checks a number or text that stands for a port or for a part of something
// (ValidatePositiveIntOrPercent and ValidatePortNumOrName in pkg/apis of k8s.io/kubernetes).
func checkMeaning(value any, format string, at *field.Path) field.ErrorList {
	var messages []string
	switch value := value.(type) {
	case int64:
		if format == "port" {
			messages = validation.IsValidPortNum(int(value))
		} else if format == "percent" && value < 0 {
			messages = []string{"must be greater than or equal to 0"}
		}
	case string:
		if format == "port" && value != "" { // an empty one is the default
			messages = validation.IsValidPortName(value)
		} else if format == "percent" {
			messages = validation.IsValidPercent(value)
		}
	}
	if len(messages) == 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(at, value, strings.Join(messages, "; "))}
}

func parseQuantity(value any) error {
	switch value := value.(type) {
	case string:
		_, err := resource.ParseQuantity(value)
		return err
	case int64, float64:
		_, err := resource.ParseQuantity(fmt.Sprint(value))
		return err
	}
	return errors.New("must be a quantity such as 500m or 2Gi")
}
