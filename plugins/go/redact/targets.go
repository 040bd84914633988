package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"hookyard/plugin"
)

// target is a node, and what happens to it: it is removed or masked.
type target struct {
	pointer string
	remove  bool
}

type targets []target

// expand adds every node that a pointer may mean; a segment that is * means every element or member there is. The place is a
// node's own pointer, in which a * is a member's name: only the rest is still to be expanded.
func (found *targets) expand(event *plugin.Event, place, rest string, remove bool) {
	before, after, star := cutStar(rest)
	if !star {
		pointer := place + rest
		// Of a key that an object repeats only the last value is seen, but removing takes them all. So what seems not to be
		// there is removed, which does nothing where it is really not.
		absent := event.JSONKind(pointer) == plugin.JSONAbsent
		*found = append(*found, target{pointer, remove || absent})
		return
	}
	for _, child := range children(event, place+before) {
		found.expand(event, place+before+"/"+child, after, remove)
	}
}

// outermostLastFirst are the targets that lie below no other, later array elements before earlier ones. Of two for one node,
// the removal counts.
func (found targets) outermostLastFirst() []target {
	slices.SortFunc(found, func(left, right target) int {
		if order := inDocumentOrder(left.pointer, right.pointer); order != 0 {
			return order
		}
		if left.remove == right.remove {
			return 0
		} else if left.remove {
			return -1
		}
		return 1
	})
	// What lies below a target comes right after it.
	var kept []target
	for _, next := range found {
		if len(kept) == 0 || !isWithin(next.pointer, kept[len(kept)-1].pointer) {
			kept = append(kept, next)
		}
	}
	slices.Reverse(kept)
	return kept
}

// cutStar returns what stands before and after the first segment that is *.
func cutStar(pointer string) (before, after string, found bool) {
	for at := range pointer {
		rest := pointer[at:]
		if rest == "/*" || strings.HasPrefix(rest, "/*/") {
			return pointer[:at], pointer[at+2:], true
		}
	}
	return pointer, "", false
}

// children are the segments below a node.
func children(event *plugin.Event, pointer string) []string {
	var segments []string
	switch event.JSONKind(pointer) {
	case plugin.JSONArray:
		length, _ := event.JSONLength(pointer)
		for index := range int(length) {
			segments = append(segments, strconv.Itoa(index))
		}
	case plugin.JSONObject:
		source, _ := event.JSONSource(pointer)
		var members map[string]json.RawMessage
		if json.Unmarshal([]byte(source), &members) == nil {
			escape := strings.NewReplacer("~", "~0", "/", "~1")
			for name := range members {
				segments = append(segments, escape.Replace(name))
			}
		}
	}
	return segments
}

func isWithin(pointer, ancestor string) bool {
	rest, below := strings.CutPrefix(pointer, ancestor)
	return below && (rest == "" || rest[0] == '/')
}

// inDocumentOrder compares segment by segment, indexes as numbers: for numbers without leading zeros that is by length first.
func inDocumentOrder(left, right string) int {
	return slices.CompareFunc(strings.Split(left, "/"), strings.Split(right, "/"), func(left, right string) int {
		if isIndex(left) && isIndex(right) && len(left) != len(right) {
			return len(left) - len(right)
		}
		return strings.Compare(left, right)
	})
}

func isIndex(segment string) bool {
	return segment != "" && strings.Trim(segment, "0123456789") == ""
}
