// Looks up every item of an array over HTTP, keeps the answers for a while, and emits one message per item.
package main

import (
	"errors"
	"strconv"
	"strings"

	"hookyard/plugin"
	"hookyard/plugin/processor"
)

func init() { processor.Run(process) }

func main() {}

func process(event *plugin.Event) (plugin.Verdict, error) {
	options, err := readOptions()
	if err != nil {
		return plugin.Verdict{}, err
	}
	length, isArray := event.JSONLength(options.items)
	if !isArray || event.JSONKind(options.items) != plugin.JSONArray {
		return plugin.Verdict{}, plugin.Permanent("there is no array at " + options.items)
	}
	if length == 0 {
		return plugin.Discard("nothing to expand"), nil
	}
	for index := range int(length) {
		item := options.items + "/" + strconv.Itoa(index)
		found, err := options.lookUp(event, item)
		if err != nil {
			return plugin.Verdict{}, err
		}
		source, _ := event.JSONSource(item)
		plugin.Emit(plugin.Message{
			Headers: []plugin.Header{{Name: "content-type", Value: "application/json"}},
			Body:    []byte(`{"item":` + source + `,"found":` + found + `}`),
		})
	}
	return plugin.Forward, nil
}

// options is the plugin's table in the configuration.
type options struct {
	items, key, url string
	ttl             uint32
}

func readOptions() (options, error) {
	read := options{ttl: 300}
	for name, value := range map[string]*string{"items": &read.items, "key": &read.key, "url": &read.url} {
		text, given := plugin.Config("/" + name)
		if !given {
			return read, plugin.Permanent("config: `" + name + "` is missing")
		}
		*value = text
	}
	if text, given := plugin.Config("/ttl"); given {
		ttl, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return read, plugin.Permanent("config: `ttl` must be a number of seconds")
		}
		read.ttl = uint32(ttl)
	}
	return read, nil
}

// lookUp is the answer for an item, as JSON text: from the store, or from where the answers are.
func (options *options) lookUp(event *plugin.Event, item string) (string, error) {
	pointer := item + options.key
	key, isString := event.JSONString(pointer)
	if !isString {
		if event.JSONKind(pointer) != plugin.JSONNumber {
			return "", plugin.Permanent("there is no string or number at " + pointer)
		}
		key, _ = event.JSONSource(pointer)
	}
	// The store saves requests; the plugin works without it.
	if kept, found, err := plugin.KVGet(key); found && err == nil {
		return string(kept), nil
	}
	answer, err := ask(strings.ReplaceAll(options.url, "{}", percentEncoded(key)))
	if err == nil {
		// What cannot be kept is asked for again.
		_ = plugin.KVSet(key, []byte(answer), options.ttl)
	}
	return answer, err
}

func ask(url string) (string, error) {
	response, err := plugin.Send(plugin.Request{Method: "GET", Url: url})
	var denied *plugin.DeniedError
	switch {
	case errors.As(err, &denied):
		return "", plugin.Permanent(denied.Reason)
	case err != nil:
		return "", plugin.Retryable(url + ": " + err.Error())
	case response.Status == 404:
		return "null", nil
	case response.Status != 200:
		return "", plugin.Retryable(url + " answered with status " + strconv.Itoa(int(response.Status)))
	}
	return string(response.Body), nil
}

// percentEncoded leaves only what means the same everywhere in a URL.
func percentEncoded(text string) string {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	const digits = "0123456789ABCDEF"
	var encoded strings.Builder
	for _, char := range []byte(text) {
		if strings.IndexByte(unreserved, char) >= 0 {
			encoded.WriteByte(char)
		} else {
			encoded.Write([]byte{'%', digits[char>>4], digits[char&15]})
		}
	}
	return encoded.String()
}
