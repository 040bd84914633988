package main

import (
	"hookyard/plugin"
	"hookyard/plugin/processor"
)

func init() { processor.Run(process) }

func main() {}

func process(event *plugin.Event) (plugin.Verdict, error) {
	if action, _ := event.JSONString("/action"); action == "deleted" {
		return plugin.Discard("deleted"), nil
	}
	plugin.SetHeader("x-kind", event.Kind())
	return plugin.Forward, nil
}
