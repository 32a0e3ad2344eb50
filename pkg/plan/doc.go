// Package plan answers how much of a GPU a model takes: it finds the model's numbers (catalogue, config.json, a
// directory of Hugging Face), turns flags and documents into pkg/sizing's settings, and writes the answer for people
// and for programs. It reads files and no network.
package plan
