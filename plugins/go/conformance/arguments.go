package main

import (
	"math"
	"strconv"
	"strings"

	"hookyard/plugin"
)

// given is an argument and whether it is there. The value may be repeated.
func (step *step) given(name string) (string, bool) {
	text, given := plugin.Config(step.place + name)
	if given && name == "value" {
		if times := step.u32("repeat", 1); times != 1 {
			text = strings.Repeat(text, int(times))
		}
	}
	return text, given
}

func (step *step) text(name string) string {
	text, _ := step.given(name)
	return text
}

func (step *step) u32(name string, otherwise uint32) uint32 {
	text, given := plugin.Config(step.place + name)
	if !given {
		return otherwise
	}
	number, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		panic(name + " is no u32: " + text)
	}
	return uint32(number)
}

func (step *step) s64(name string) int64 {
	text, given := plugin.Config(step.place + name)
	if !given {
		return 0
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(name + " is no s64: " + text)
	}
	return number
}

func (step *step) f64() float64 {
	bits, err := strconv.ParseUint(step.text("bits"), 16, 64)
	if err != nil {
		panic("bits are no hex: " + step.text("bits"))
	}
	return math.Float64frombits(bits)
}

func (step *step) bytes() []byte {
	if value, given := step.given("value"); given {
		return []byte(value)
	}
	return step.event.Body()
}

func (step *step) names() []string {
	var names []string
	for n := 0; ; n++ {
		name, given := plugin.Config(step.place + "to/" + strconv.Itoa(n))
		if !given {
			return names
		}
		names = append(names, name)
	}
}

func (step *step) headers() []plugin.Header {
	var headers []plugin.Header
	for n := 0; ; n++ {
		place := step.place + "headers/" + strconv.Itoa(n)
		name, given := plugin.Config(place + "/name")
		if !given {
			return headers
		}
		value, _ := plugin.Config(place + "/value")
		headers = append(headers, plugin.Header{Name: name, Value: value})
	}
}
