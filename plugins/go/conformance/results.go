package main

import (
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"strings"

	"hookyard/plugin"
)

func bits(number float64) string {
	digits := strconv.FormatUint(math.Float64bits(number), 16)
	return strings.Repeat("0", 16-len(digits)) + digits
}

func integer(number int64) string { return strconv.FormatInt(number, 10) }

func unsigned(number uint32) string { return strconv.FormatUint(uint64(number), 10) }

// option is the text of a value that may be absent.
func option[T any](shown func(T) string) func(T, bool) string {
	return func(value T, there bool) string {
		if !there {
			return "none"
		}
		return "some " + shown(value)
	}
}

var (
	optionText    = option(func(text string) string { return text })
	optionBytes   = option(hex.EncodeToString)
	optionInteger = option(integer)
	optionNumber  = option(bits)
	optionBoolean = option(strconv.FormatBool)
	optionLength  = option(unsigned)
)

func headerList(headers []plugin.Header) string {
	var list strings.Builder
	for _, header := range headers {
		list.WriteString(header.Name + "=" + header.Value + ";")
	}
	return list.String()
}

// result is the text of a value or of an error of kv or http.
func result(value string, err error) string {
	if err == nil {
		return value
	}
	var unavailable *plugin.UnavailableError
	var denied *plugin.DeniedError
	var failed *plugin.FailedError
	switch {
	case err == plugin.ErrQuota:
		return "error quota"
	case err == plugin.ErrTimeout:
		return "error timeout"
	case err == plugin.ErrTooLarge:
		return "error too-large"
	case errors.As(err, &unavailable):
		return "error unavailable " + unavailable.Reason
	case errors.As(err, &denied):
		return "error denied " + denied.Reason
	case errors.As(err, &failed):
		return "error failed " + failed.Reason
	}
	panic(err)
}
