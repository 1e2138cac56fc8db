package verdict

// SessionKey is the key of the session controller: the session's id.
type SessionKey string

// ContainerKey is the key of the container controller: the container's full id.
type ContainerKey string

// The two kinds of keys, as logs and the names of controllers have them.
const (
	KindSession   = "session"
	KindContainer = "container"
)
