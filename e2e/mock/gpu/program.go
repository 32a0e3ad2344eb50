package main

import (
	"fmt"
	"io"
	"strings"
)

// These say to the vendor's tool, in a container, what it was given.
const (
	devicesVariable = "MOCK_DEVICES"
	productVariable = "MOCK_PRODUCT"
	memoryVariable  = "MOCK_MEMORY_MIB"
)

// printDevices is the vendor's tool: a line a device as `nvidia-smi -L` has it, or, asked by --query-gpu, CSV
// of the fields index, name, uuid and memory.total.
func printDevices(out io.Writer, args []string, env func(string) string) error {
	var ids []string
	if list := env(devicesVariable); list != "" {
		ids = strings.Split(list, ",")
	}
	if len(ids) == 0 {
		return fmt.Errorf("no devices were found")
	}
	query := ""
	for _, arg := range args {
		if fields, ok := strings.CutPrefix(arg, "--query-gpu="); ok {
			query = fields
		}
	}
	if query == "" {
		for i, id := range ids {
			fmt.Fprintf(out, "GPU %d: %s (UUID: %s)\n", i, env(productVariable), id)
		}
		return nil
	}
	for i, id := range ids {
		known := map[string]string{
			"index": fmt.Sprint(i), "name": env(productVariable), "uuid": id, "memory.total": env(memoryVariable) + " MiB",
		}
		var row []string
		for field := range strings.SplitSeq(query, ",") {
			value, ok := known[field]
			if !ok {
				return fmt.Errorf("field %q is not a valid field to query", field)
			}
			row = append(row, value)
		}
		fmt.Fprintln(out, strings.Join(row, ", "))
	}
	return nil
}
