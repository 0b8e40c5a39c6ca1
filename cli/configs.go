package cli

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"schloss/client"
	"schloss/kafka/config"
)

var configs = &tool{
	name:  "kafka-configs",
	about: "This tool helps to manipulate and describe the settings of topics, brokers, groups and client metrics, and the quotas and passwords of users, clients and addresses.",
	usage: "--bootstrap-server HOST:PORT [--command-config FILE] --describe|--alter --topic NAME|--broker ID|... [--add-config K=V,...] [--delete-config K,...]",
	run:   runConfigs,
	flags: []flag{
		{name: "bootstrap-server", value: needsValue, arg: "HOST:PORT", doc: "Brokers to connect to, separated by commas."},
		{name: "bootstrap-controller", value: needsValue, refused: "controllers are not reached by themselves", insteadUse: "--bootstrap-server"},
		{name: "command-config", value: needsValue, arg: "FILE", doc: "Properties of the connection, such as security.protocol and the ssl settings."},
		{name: "describe", doc: "Show the settings."},
		{name: "alter", doc: "Change the settings."},
		{name: "all", doc: "With --describe: also the settings that are defaults, or are the broker's own."},
		{name: "entity-type", value: needsValue, arg: "TYPE", many: true, doc: "One of " + strings.Join(entityTypes(), ", ") + "; users and clients may be given together."},
		{name: "entity-name", value: needsValue, arg: "NAME", many: true, doc: "Which one: a topic, a broker's id, a user, ..."},
		{name: "entity-default", doc: "The default of all users, clients, brokers or ips."},
		{name: "topic", value: needsValue, arg: "NAME", doc: "For --entity-type topics --entity-name NAME."},
		{name: "client", value: needsValue, arg: "ID", doc: "Likewise a client, by its client.id."},
		{name: "user", value: needsValue, arg: "NAME", doc: "Likewise a user, by the principal's name without User:."},
		{name: "broker", value: needsValue, arg: "ID", doc: "Likewise a broker."},
		{name: "broker-logger", value: needsValue, arg: "ID", doc: "Likewise the log levels of a broker."},
		{name: "ip", value: needsValue, arg: "ADDRESS", doc: "Likewise an address from which clients connect."},
		{name: "client-metrics", value: needsValue, arg: "NAME", doc: "Likewise a subscription to clients' metrics."},
		{name: "group", value: needsValue, arg: "NAME", doc: "Likewise a group."},
		{name: "client-defaults", doc: "For --entity-type clients --entity-default."},
		{name: "user-defaults", doc: "Likewise users."},
		{name: "broker-defaults", doc: "Likewise brokers."},
		{name: "ip-defaults", doc: "Likewise ips."},
		{name: "add-config", value: needsValue, arg: "K=V,...", doc: "With --alter: settings to add or replace. Brackets keep a value with commas together: cleanup.policy=[compact,delete], SCRAM-SHA-512=[iterations=8192,password=...]."},
		{name: "add-config-file", value: needsValue, arg: "FILE", doc: "With --alter: a properties file of settings to add or replace."},
		{name: "delete-config", value: needsValue, arg: "K,...", many: true, doc: "With --alter: settings to go back to their defaults."},
		{name: "force", idle: "nothing is asked, and it is gone in Kafka 4.0"},
		{name: "zookeeper", value: needsValue, refused: "gone in Kafka 4.0", insteadUse: "--bootstrap-server HOST:PORT"},
		{name: "zk-tls-config-file", value: needsValue, refused: "there is no ZooKeeper to reach", insteadUse: "--bootstrap-server with --command-config"},
	},
}

// entityKind is one kind of thing that has settings, as the tool's options name
// it. Kinds with a quota part are not config resources but parts of whom a
// quota is for.
type entityKind struct {
	name, flag string // --entity-type, and the option that stands for it
	defaults   string // the option for the default, where there is one
	resource   client.ConfigType
	quota      string // user, client-id, ip
}

// In the order in which Kafka's tool takes the short options.
var entityKinds = []entityKind{
	{name: "topics", flag: "topic", resource: client.TopicConfigs},
	{name: "clients", flag: "client", defaults: "client-defaults", quota: "client-id"},
	{name: "users", flag: "user", defaults: "user-defaults", quota: "user"},
	{name: "brokers", flag: "broker", defaults: "broker-defaults", resource: client.BrokerConfigs},
	{name: "broker-loggers", flag: "broker-logger", resource: client.BrokerLoggers},
	{name: "ips", flag: "ip", defaults: "ip-defaults", quota: "ip"},
	{name: "client-metrics", flag: "client-metrics", resource: client.ClientMetricsConfigs},
	{name: "groups", flag: "group", resource: client.GroupConfigs},
}

func entityTypes() []string {
	names := make([]string, len(entityKinds))
	for i, k := range entityKinds {
		names[i] = k.name
	}
	return names
}

// one is the kind's name in the singular, as the tool's lines have it.
func (k entityKind) one() string { return strings.TrimSuffix(k.name, "s") }

// configEntity is one of the things that a command line names. Without a name
// it stands for all, and with byDefault for what those have that have none.
type configEntity struct {
	entityKind
	name      *string
	byDefault bool
}

// text is the name, or "" for the default or for all.
func (e configEntity) text() string {
	if e.name == nil {
		return ""
	}
	return *e.name
}

// configEntities are the things that the options name: the first is the one
// that messages tell of.
func configEntities(o *options) ([]configEntity, error) {
	var kinds []entityKind
	for _, name := range o.all("entity-type") {
		i := slices.IndexFunc(entityKinds, func(k entityKind) bool { return k.name == name })
		if i < 0 {
			e := usage("Invalid entity type %s, the entity type must be one of %s with a --bootstrap-server or --bootstrap-controller argument", name,
				"topics, clients, users, brokers, ips, client-metrics, groups, broker-loggers")
			if near, ok := config.Nearest(name, entityTypes()); ok {
				return nil, e.advised("did you mean --entity-type " + near + "?")
			}
			return nil, e.advised("write it as --entity-type topics --entity-name NAME, or --topic NAME")
		}
		kinds = append(kinds, entityKinds[i])
	}
	var names []*string // nil is the default
	given := o.all("entity-name")
	for _, flag := range o.order {
		switch flag {
		case "entity-name":
			names, given = append(names, nameOrDefault(given[0])), given[1:]
		case "entity-default":
			names = append(names, nil)
		}
	}
	typed := len(kinds) + len(names)
	for _, k := range entityKinds {
		if o.has(k.flag) {
			kinds, names = append(kinds, k), append(names, nameOrDefault(o.get(k.flag)))
		}
	}
	for _, k := range entityKinds {
		if k.defaults != "" && o.has(k.defaults) {
			kinds, names = append(kinds, k), append(names, nil)
		}
	}
	if err := checkEntityKinds(kinds, typed > 0 && len(kinds) > len(o.all("entity-type"))); err != nil {
		return nil, err
	}
	if len(names) > len(kinds) { // Kafka drops the rest
		return nil, usage("%d names are given for %d entity types", len(names), len(kinds)).advised("give one --entity-name or --entity-default after each --entity-type")
	}
	entities := make([]configEntity, len(kinds))
	for i, k := range kinds {
		entities[i].entityKind = k
		if i < len(names) {
			entities[i].name, entities[i].byDefault = names[i], names[i] == nil
		}
	}
	return entities, nil
}

// An empty name is the default, as in Kafka's tool.
func nameOrDefault(name string) *string {
	if name == "" {
		return nil
	}
	return &name
}

func checkEntityKinds(kinds []entityKind, mixed bool) error {
	if len(kinds) == 0 {
		return usage("At least one entity type must be specified").advised("add --topic NAME, --broker ID, --user NAME, or --entity-type " + strings.Join(entityTypes(), "|"))
	}
	seen := map[string]bool{}
	together := true
	for _, k := range kinds {
		if seen[k.name] {
			return usage("Duplicate entity type(s) specified: %s", k.name).advised("one command is about one of them: --" + k.flag + " NAME")
		}
		seen[k.name] = true
		together = together && (k.name == "users" || k.name == "clients")
	}
	if len(kinds) > 1 && !together {
		return usage("Only 'users' and 'clients' entity types may be specified together").advised("give one command for each")
	}
	if mixed {
		return usage("--entity-{type,name,default} should not be used in conjunction with specific entity flags").advised("write it as --user NAME, or as --entity-type users --entity-name NAME")
	}
	return nil
}

func checkConfigOptions(o *options) error {
	if countGiven(o, "describe", "alter") != 1 {
		return usage("Command must include exactly one action: --describe, --alter").advised("add one of --describe, --alter")
	}
	if !o.has("bootstrap-server") {
		return usage("Either --bootstrap-server or --bootstrap-controller must be specified.").advised("add --bootstrap-server HOST:PORT")
	}
	if err := exclude(o, "describe", "add-config", "delete-config", "add-config-file"); err != nil {
		return err
	}
	return exclude(o, "alter", "all")
}

// checkConfigEntities refuses names that are missing or cannot be.
func checkConfigEntities(o *options, entities []configEntity) error {
	for _, e := range entities {
		switch {
		case e.name == nil:
		case e.name != nil && e.quota == "ip" && !resolves(*e.name):
			return usage("The entity name for ips must be a valid IP or resolvable host, but it is: %s", *e.name).advised("write it as --ip 192.0.2.7")
		case e.resource == client.BrokerConfigs || e.resource == client.BrokerLoggers:
			if _, err := strconv.ParseInt(*e.name, 10, 32); err != nil {
				return usage("The entity name for %s must be a valid integer broker id, but it is: %s", e.entityKind.name, *e.name).advised("see the ids with kafka-broker-api-versions --bootstrap-server " + o.get("bootstrap-server"))
			}
		}
	}
	first := entities[0]
	named := slices.ContainsFunc(entities, func(e configEntity) bool { return e.name != nil })
	defaults := slices.ContainsFunc(entities, func(e configEntity) bool { return e.byDefault })
	if o.has("describe") {
		switch {
		case defaults && first.defaults == "":
			return usage("--entity-default must not be specified with --describe of %s", first.entityKind.name).advised("only users, clients, brokers and ips have one")
		case first.resource == client.BrokerLoggers && !named:
			return usage("An entity name must be specified with --describe of broker-loggers").advised("add --entity-name ID, or write --broker-logger ID")
		}
		return nil
	}
	switch {
	case first.defaults != "" && !named && !defaults:
		return usage("An entity-name or default entity must be specified with --alter of users, clients, brokers or ips").advised("add --entity-name NAME or --entity-default")
	case first.defaults == "" && !named:
		return usage("An entity name must be specified with --alter of %s", first.entityKind.name).advised("add --entity-name NAME")
	}
	if !o.has("add-config") && !o.has("add-config-file") && !o.has("delete-config") {
		return usage("At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter").advised("write it as --add-config retention.ms=86400000 or --delete-config retention.ms")
	}
	if o.has("add-config") && o.has("add-config-file") {
		return usage("Only one of --add-config or --add-config-file must be specified").advised("put all settings into the file")
	}
	return nil
}

// resolves says whether Java would take the text for an address.
func resolves(host string) bool {
	if net.ParseIP(host) != nil {
		return true
	}
	_, err := net.LookupHost(host)
	return err == nil
}

func runConfigs(ctx context.Context, s *session, o *options) error {
	if err := checkConfigOptions(o); err != nil {
		return err
	}
	entities, err := configEntities(o)
	if err != nil {
		return err
	}
	if err := checkConfigEntities(o, entities); err != nil {
		return err
	}
	var changes []client.ConfigChange
	if o.has("alter") {
		if changes, err = configChanges(o); err != nil {
			return err
		}
		if err := checkQuotaChanges(entities, changes); err != nil {
			return err
		}
	}
	c, err := s.openAdmin(ctx, o)
	if err != nil {
		return err
	}
	defer c.Close()
	run := &configRun{session: s, admin: client.NewAdmin(c), entities: entities, all: o.has("all")}
	if o.has("describe") {
		return run.describe(ctx)
	}
	if err := run.alter(ctx, changes); err != nil {
		return err
	}
	return run.completed()
}

// configRun is one run of the tool after its words have been understood.
type configRun struct {
	*session
	admin    *client.Admin
	entities []configEntity
	all      bool
}

func (r *configRun) completed() error {
	e := r.entities[0]
	var err error
	if e.name != nil {
		_, err = fmt.Fprintf(r.Out, "Completed updating config for %s %s.\n", e.one(), *e.name)
	} else {
		_, err = fmt.Fprintf(r.Out, "Completed updating default config for %s in the cluster.\n", e.entityKind.name)
	}
	return err
}
