package sessiondb

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/lib/pq"
)

// understood reports whether lib/pq or the server really reads a parameter. lib/pq sends any other to the server as a
// setting, where a typing error becomes a refused connection that does not say what was wrong.
func understood(parameter string) bool {
	switch parameter {
	case "application_name", "client_encoding", "connect_timeout", "datestyle", "dbname", "fallback_application_name",
		"host", "hostaddr", "krbspn", "krbsrvname", "load_balance_hosts", "max_protocol_version",
		"min_protocol_version", "options", "passfile", "password", "port", "service", "ssl_max_protocol_version",
		"ssl_min_protocol_version", "sslcert", "sslinline", "sslkey", "sslmode", "sslnegotiation", "sslrootcert",
		"sslsni", "target_session_attrs", "user":
		return true
	// Settings of a session, which the server reads.
	case "idle_in_transaction_session_timeout", "lock_timeout", "role", "search_path", "statement_timeout", "timezone":
		return true
	}
	return prismaOnly(parameter)
}

// prismaOnly reports whether only Prisma reads a parameter. What such a one asks for is dropped: this package bounds
// its own pool and its own waits, and binary_parameters=yes, which is what pgbouncer=true is for, is always on. The
// schema is not lost, it becomes part of the table's name.
func prismaOnly(parameter string) bool {
	switch parameter {
	case "binary_parameters", "connection_limit", "pgbouncer", "pool_timeout", "schema", "single_use_connections",
		"socket_timeout", "sslaccept", "statement_cache_size":
		return true
	}
	return false
}

// parsePostgres understands postgres:// and postgresql:// URLs, Prisma's included. No error quotes the URL.
func parsePostgres(cfg Config) (*postgres, error) {
	rest, hosts, ports, ok := cutHosts(cfg.URL)
	u, err := url.Parse(rest)
	// The parser's own error quotes the URL.
	if !ok || err != nil || torn(u) {
		return nil, errUnescaped
	}
	params, err := parameters(u.RawQuery)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		switch {
		case understood(name):
		case !nameable(u.RawQuery):
			return nil, errUnnamed
		default:
			return nil, fmt.Errorf("database.url has the parameter %s, which is not understood here: take it out", name)
		}
	}
	schema, _, split := strings.Cut(cfg.Table, ".")
	if split && (schema == "" || strings.Count(cfg.Table, ".") > 1 || strings.HasSuffix(cfg.Table, ".")) {
		return nil, fmt.Errorf("database.table is %q: give it as table or schema.table", cfg.Table)
	}
	dsn := connectionString(u, hosts, ports, params)
	config, err := pq.NewConfig(dsn)
	if err != nil {
		// The connection string was put together here, so that the error can only be about a single parameter's value;
		// that of the password is any string and never wrong.
		return nil, fmt.Errorf("database.url, or a PG… variable of the environment, cannot be used: %w", err)
	}
	config.SSLMode = prismaMode(config.SSLMode, params)
	config.BinaryParameters = true
	if config.SSLMode != "" {
		dsn += "sslmode='" + string(config.SSLMode) + "'"
	}
	return &postgres{config: config, schema: params["schema"], dsn: dsn, timing: cfg.Timing.withDefaults()}, nil
}

// prismaMode is the TLS mode that Prisma would use with these parameters, never a weaker one; it is mode where none of
// them is Prisma's.
func prismaMode(mode pq.SSLMode, params map[string]string) pq.SSLMode {
	switch {
	case params["sslaccept"] == "strict" && mode != pq.SSLModeDisable:
		return pq.SSLModeVerifyFull // Prisma verifies the server then
	case mode == "" && slices.ContainsFunc(slices.Collect(maps.Keys(params)), prismaOnly):
		return pq.SSLModePrefer // Prisma's default; lib/pq's is require
	default:
		return mode
	}
}

// torn reports what an unescaped character in a password turns a URL into.
func torn(u *url.URL) bool {
	path := strings.TrimPrefix(u.EscapedPath(), "/")
	return u.Fragment != "" || u.Opaque != "" || strings.ContainsAny(path, "/@:")
}

// connectionString puts the URL into the key=value form, in which nothing depends on how a URL is parsed.
func connectionString(u *url.URL, hosts, ports string, params map[string]string) string {
	settings := map[string]string{}
	for name, value := range params {
		if !prismaOnly(name) {
			settings[name] = value
		}
	}
	// What stands before the question mark beats lib/pq's own defaults and the environment, but not a parameter.
	fallback := func(name, value string) {
		if value = cmp.Or(settings[name], value); value != "" {
			settings[name] = value
		}
	}
	fallback("host", hosts)
	fallback("port", ports)
	fallback("dbname", strings.TrimPrefix(u.Path, "/"))
	fallback("user", u.User.Username())
	password, _ := u.User.Password()
	fallback("password", password)
	fallback("connect_timeout", connectTimeout)
	fallback("fallback_application_name", "session-controller")
	// PgBouncer refuses a search_path at connection time. Statements name the schema anyway; the path is for the user's
	// own triggers, which expect the one that Prisma sets.
	if schema := params["schema"]; schema != "" && params["pgbouncer"] != "true" {
		fallback("search_path", quotePostgres(schema))
	}
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	var s strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&s, "%s='%s' ", name, escape.Replace(settings[name]))
	}
	return s.String()
}

// oneHost is a name, an IPv4 or a bracketed IPv6 address, or an escaped path of a socket's directory; and a port.
var oneHost = regexp.MustCompile(`^([A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]|(?:%2[Ff][A-Za-z0-9._-]*)+)(?::([0-9]{1,5}))?$`)

// cutHosts takes the hosts out of a URL, because Go's parser accepts neither libpq's lists of hosts ("a:1,b:2") nor its
// escaped directories of sockets. It returns the URL without them and the lists "a,b" and "1,2"; both are empty when
// nothing is given. ok is false for what can be no host: it may be part of a password.
func cutHosts(raw string) (rest, hosts, ports string, ok bool) {
	before, after, found := strings.Cut(raw, "://")
	if !found {
		return raw, "", "", false
	}
	end := strings.IndexAny(after, "/?#")
	if end < 0 {
		end = len(after)
	}
	begin := strings.LastIndex(after[:end], "@") + 1
	authority := after[begin:end]
	rest = before + "://" + after[:begin] + after[end:]
	if authority == "" {
		return rest, "", "", true
	}
	var hostList, portList []string
	for one := range strings.SplitSeq(authority, ",") {
		match := oneHost.FindStringSubmatch(one)
		if match == nil {
			return raw, "", "", false
		}
		host := strings.NewReplacer("%2F", "/", "%2f", "/", "[", "", "]", "").Replace(match[1])
		hostList, portList = append(hostList, host), append(portList, cmp.Or(match[2], "5432"))
	}
	return rest, strings.Join(hostList, ","), strings.Join(portList, ","), true
}
