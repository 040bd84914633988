package main

import (
	"strconv"

	"hookyard/plugin"
	"hookyard/plugin/sink"
)

func init() { sink.Run(deliver) }

func main() {}

func deliver(message *plugin.Event, attempt uint32) (sink.Receipt, error) {
	url, _ := plugin.Config("/url")
	answer, err := plugin.Send(plugin.Request{Method: "POST", Url: url, Body: message.Body()})
	if err != nil {
		return sink.Receipt{}, plugin.Retryable(err.Error())
	}
	reason := "the receiver answered " + strconv.Itoa(int(answer.Status))
	switch {
	case answer.Status >= 200 && answer.Status < 300:
		return sink.Receipt{Status: answer.Status, Detail: string(answer.Body)}, nil
	case answer.Status == 429 || answer.Status >= 500:
		return sink.Receipt{}, plugin.Retryable(reason)
	}
	return sink.Receipt{}, plugin.Permanent(reason)
}
