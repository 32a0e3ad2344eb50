package schema

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/api/validation/path"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkFormat parses what the server's Go types parse when they are decoded, and the two meanings of a value that may
// be a number or a text. The validator for CRDs knows none of these formats and ignores them.
func checkFormat(value any, n *node, at *field.Path, errs *field.ErrorList) {
	format := n.format()
	if format == "" || value == nil {
		return
	}
	text, isText := value.(string)
	var err error
	switch format {
	case "int32", "int64":
		err = checkInteger(value, format)
	case "int-or-string", "percent", "port", "targetPort":
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
	default:
		if messages := checkText(text, format); len(messages) > 0 {
			*errs = append(*errs, field.Invalid(at, value, strings.Join(messages, "; ")))
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
		switch {
		case format == "port", format == "targetPort" && value != 0:
			messages = validation.IsValidPortNum(int(value))
		case format == "percent" && value < 0:
			messages = []string{"must be greater than or equal to 0"}
		}
	case string:
		switch {
		case format == "port", format == "targetPort" && value != "":
			messages = validation.IsValidPortName(value)
		case format == "percent":
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

// checkText checks a text that must be a name, a path or an address. Whether it may be empty is said by the schema.
func checkText(text, format string) []string {
	if text == "" {
		return nil
	}
	switch format {
	case "label":
		return validation.IsDNS1123Label(text)
	case "subdomain":
		return validation.IsDNS1123Subdomain(text)
	case "qualified":
		return validation.IsQualifiedName(text)
	case "value":
		return validation.IsValidLabelValue(text)
	case "portName":
		return validation.IsValidPortName(text)
	case "segment":
		return path.IsValidPathSegmentName(text)
	case "absolute":
		if !strings.HasPrefix(text, "/") {
			return []string{"must be an absolute path"}
		}
	case "address":
		if net.ParseIP(text) == nil {
			return []string{"must be a valid IP address"}
		}
	case "block":
		if _, _, err := net.ParseCIDR(text); err != nil {
			return []string{"must be a valid CIDR value"}
		}
	}
	return nil
}
