// The test guest: does what its configuration orders, so that one suite can hold every language to the same.
package main

import (
	"strconv"

	"hookyard/plugin"
	"hookyard/plugin/processor"
)

func init() { processor.Run(process) }

func main() {}

// calls counts the calls that this instance has been given.
var calls uint64

func process(event *plugin.Event) (plugin.Verdict, error) {
	script, ordered := event.Header("x-do")
	if !ordered {
		return plugin.Forward, nil
	}
	calls++
	call := call{event: event, script: script}
	for n := 0; ; n++ {
		step := step{call: &call, place: "/" + script + "/" + strconv.Itoa(n) + "/"}
		op, more := plugin.Config(step.place + "op")
		if !more {
			return plugin.Forward, nil
		}
		if end, verdict, err := step.end(op); end {
			return verdict, err
		}
		do, known := ops[op]
		if !known {
			return plugin.Verdict{}, plugin.Permanent("unknown op: " + op)
		}
		var result string
		for times := step.u32("times", 1); times > 0; times-- {
			result = do(&step)
		}
		call.report += result + "\n"
	}
}

// call is what the steps of one call share.
type call struct {
	event  *plugin.Event
	script string
	report string
}

// step is one order, and where its arguments stand.
type step struct {
	*call
	place string
}

// end carries out the orders that end the call.
func (step *step) end(op string) (bool, plugin.Verdict, error) {
	switch op {
	case "forward":
		return true, plugin.Forward, nil
	case "discard":
		return true, plugin.Discard(step.reason()), nil
	case "retryable":
		return true, plugin.Verdict{}, plugin.Retryable(step.reason())
	case "permanent":
		return true, plugin.Verdict{}, plugin.Permanent(step.reason())
	case "trap":
		panic("told to")
	case "loop":
		for n := uint64(0); ; n++ {
			spun = n
		}
	case "allocate":
		for {
			piece := make([]byte, 1<<20)
			for at := 0; at < len(piece); at += 4096 {
				piece[at] = 1
			}
			kept = append(kept, piece)
		}
	}
	return false, plugin.Verdict{}, nil
}

// What the compiler must not find useless.
var (
	spun uint64
	kept [][]byte
)

func (step *step) reason() string {
	if value, given := step.given("value"); given {
		return value
	}
	return step.report
}
