package main

import (
	"encoding/json"
	"errors"
	"strings"
)

// options is the plugin's table in the configuration.
type options struct {
	Remove      []string        `json:"remove"`
	Mask        []string        `json:"mask"`
	Replacement json.RawMessage `json:"replacement"`
	OnInvalid   string          `json:"on_invalid"`
}

// parseOptions takes an unknown option for an error: `removed` for `remove` must not leak anything.
func parseOptions(text string) (options, error) {
	parsed := options{Replacement: json.RawMessage(`"***"`), OnInvalid: "fail"}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&parsed); err != nil {
		return parsed, err
	}
	if parsed.OnInvalid != "fail" && parsed.OnInvalid != "forward" {
		return parsed, errors.New(`on_invalid must be "fail" or "forward"`)
	}
	if err := checkPointers("remove", parsed.Remove); err != nil {
		return parsed, err
	}
	return parsed, checkPointers("mask", parsed.Mask)
}

func checkPointers(option string, pointers []string) error {
	for _, pointer := range pointers {
		if !strings.HasPrefix(pointer, "/") {
			return errors.New("`" + option + "` has `" + pointer + "`, which is not a JSON pointer such as /user/email")
		}
	}
	return nil
}
