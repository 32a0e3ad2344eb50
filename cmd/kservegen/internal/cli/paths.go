package cli

import "os"

// exist refuses a call that names what is not there, before anything is read. - is standard input.
func exist(paths []string) error {
	for _, path := range paths {
		if _, err := os.Stat(path); path != "-" && err != nil {
			return usageError{err}
		}
	}
	return nil
}
