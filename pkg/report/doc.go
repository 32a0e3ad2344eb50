// Package report writes findings: as text for people, and as JSON, SARIF 2.1.0, JUnit XML and GitHub's workflow
// commands for machines. Equal findings give equal bytes. What users wrote never reaches a terminal as control
// characters.
package report
