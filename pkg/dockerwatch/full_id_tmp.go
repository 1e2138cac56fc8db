package dockerwatch

// IsFullID reports whether s is a container's full id, which is never used again.
func IsFullID(s string) bool { return isFullID(s) }
