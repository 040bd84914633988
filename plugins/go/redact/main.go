// Removes or masks what should not leave: the nodes at the configured JSON pointers, and nothing else.
//
// When in doubt it fails rather than letting data through: an option it does not know, a pointer that is none, or a body it
// cannot look into makes a dead letter, which an operator can replay once the configuration is right.
package main

import (
	"hookyard/plugin"
	"hookyard/plugin/processor"
)

func init() { processor.Run(process) }

func main() {}

func process(event *plugin.Event) (plugin.Verdict, error) {
	options, err := parseOptions(plugin.ConfigText())
	if err != nil {
		return plugin.Verdict{}, plugin.Permanent("config: " + err.Error())
	}
	if event.JSONKind("") == plugin.JSONInvalid {
		if options.OnInvalid == "forward" || event.BodyLength() == 0 {
			return plugin.Forward, nil
		}
		return plugin.Verdict{}, plugin.Permanent(
			"the body is not JSON, so nothing can be redacted in it; `on_invalid = \"forward\"` lets it pass as it is")
	}
	var found targets
	for _, pointer := range options.Remove {
		found.expand(event, "", pointer, true)
	}
	for _, pointer := range options.Mask {
		found.expand(event, "", pointer, false)
	}
	// From the back to the front: a removed array element then moves none that is still to come.
	for _, target := range found.outermostLastFirst() {
		if target.remove {
			plugin.JSONRemove(target.pointer)
		} else {
			plugin.JSONSet(target.pointer, string(options.Replacement))
		}
	}
	return plugin.Forward, nil
}
