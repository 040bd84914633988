module conformance

go 1.24

require hookyard/plugin v0.1.0

replace hookyard/plugin => ./sdk
