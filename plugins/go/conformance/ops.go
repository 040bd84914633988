package main

import (
	"encoding/hex"
	"strconv"

	"hookyard/plugin"
)

// ops are the orders that do not end the call. Each returns its result as text.
var ops = map[string]func(*step) string{
	"id":          func(s *step) string { return s.event.ID() },
	"source":      func(s *step) string { return s.event.Source() },
	"kind":        func(s *step) string { return s.event.Kind() },
	"received-at": func(s *step) string { return integer(s.event.ReceivedAt()) },
	"method":      func(s *step) string { return s.event.Method() },
	"path":        func(s *step) string { return s.event.Path() },
	"query":       func(s *step) string { return s.event.Query() },
	"headers":     func(s *step) string { return headerList(s.event.Headers()) },
	"body-length": func(s *step) string { return unsigned(s.event.BodyLength()) },
	"body":        func(s *step) string { return hex.EncodeToString(s.event.Body()) },
	"header":      func(s *step) string { return optionText(s.event.Header(s.text("name"))) },
	"attribute":   func(s *step) string { return optionText(s.event.Attribute(s.text("name"))) },
	"body-range": func(s *step) string {
		return hex.EncodeToString(s.event.BodyRange(s.u32("offset", 0), s.u32("length", 0)))
	},
	"json-kind":    func(s *step) string { return s.event.JSONKind(s.text("pointer")).String() },
	"json-string":  func(s *step) string { return optionText(s.event.JSONString(s.text("pointer"))) },
	"json-integer": func(s *step) string { return optionInteger(s.event.JSONInteger(s.text("pointer"))) },
	"json-number":  func(s *step) string { return optionNumber(s.event.JSONNumber(s.text("pointer"))) },
	"json-boolean": func(s *step) string { return optionBoolean(s.event.JSONBoolean(s.text("pointer"))) },
	"json-length":  func(s *step) string { return optionLength(s.event.JSONLength(s.text("pointer"))) },
	"json-source":  func(s *step) string { return optionText(s.event.JSONSource(s.text("pointer"))) },

	"set-header":    edit(func(s *step) { plugin.SetHeader(s.text("name"), s.text("value")) }),
	"remove-header": edit(func(s *step) { plugin.RemoveHeader(s.text("name")) }),
	"set-body":      edit(func(s *step) { plugin.SetBody(s.bytes()) }),
	"json-set":      edit(func(s *step) { plugin.JSONSet(s.text("pointer"), s.text("value")) }),
	"json-remove":   edit(func(s *step) { plugin.JSONRemove(s.text("pointer")) }),
	"set-attribute": edit(func(s *step) { plugin.SetAttribute(s.text("name"), s.text("value")) }),
	"send-to":       edit(func(s *step) { plugin.SendTo(s.names()...) }),
	"not-before":    edit(func(s *step) { plugin.NotBefore(s.u32("seconds", 0)) }),
	"emit": edit(func(s *step) {
		plugin.Emit(plugin.Message{Destinations: s.names(), Headers: s.headers(), Body: s.bytes()})
	}),
	"reply": edit(func(s *step) {
		plugin.Reply(plugin.Response{Status: uint16(s.u32("status", 0)), Headers: s.headers(), Body: s.bytes()})
	}),

	"log": edit(func(s *step) {
		levels := map[string]func(string){
			"debug": plugin.Debug, "info": plugin.Info, "warn": plugin.Warn, "error": plugin.Error,
		}
		levels[s.text("level")](s.text("value"))
	}),
	"config-get":  func(s *step) string { return optionText(plugin.Config(s.text("pointer"))) },
	"config-text": func(*step) string { return plugin.ConfigText() },
	"secret":      func(s *step) string { return optionBytes(plugin.Secret(s.text("name"))) },

	"kv-get": func(s *step) string {
		value, found, err := plugin.KVGet(s.text("key"))
		return result(optionBytes(value, found), err)
	},
	"kv-set": func(s *step) string {
		return result("ok", plugin.KVSet(s.text("key"), s.bytes(), s.u32("ttl", 0)))
	},
	"kv-remove": func(s *step) string { return result("ok", plugin.KVRemove(s.text("key"))) },
	"kv-increment": func(s *step) string {
		sum, err := plugin.KVIncrement(s.text("key"), s.s64("delta"), s.u32("ttl", 0))
		return result(integer(sum), err)
	},
	"kv-compare-and-set": func(s *step) string {
		var expected []byte
		if text, given := s.given("expected"); given {
			expected = append([]byte{}, text...)
		}
		did, err := plugin.KVCompareAndSet(s.text("key"), expected, s.bytes(), s.u32("ttl", 0))
		return result(strconv.FormatBool(did), err)
	},

	"count":   edit(func(s *step) { plugin.Count(s.text("name"), s.u32("delta", 0)) }),
	"observe": edit(func(s *step) { plugin.Observe(s.text("name"), s.f64()) }),

	"send": func(s *step) string {
		response, err := plugin.Send(plugin.Request{
			Method: s.text("method"), Url: s.text("url"), Headers: s.headers(), Body: s.bytes(),
			TimeoutMs: s.u32("timeout", 0),
		})
		status := strconv.Itoa(int(response.Status))
		return result(status+"|"+headerList(response.Headers)+"|"+hex.EncodeToString(response.Body), err)
	},

	"report": edit(func(s *step) { plugin.SetBody([]byte(s.report)) }),
	"calls":  func(*step) string { return strconv.FormatUint(calls, 10) },
}

// edit is an order without a result.
func edit(do func(*step)) func(*step) string {
	return func(step *step) string {
		do(step)
		return "ok"
	}
}
