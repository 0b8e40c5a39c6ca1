package cli

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"schloss/client"
	"schloss/kafka/config"
)

// The quotas that Kafka knows (Kafka: QuotaConfig).
var (
	clientQuotas = []string{"producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate"}
	ipQuotas     = []string{"connection_creation_rate"}
)

var scramMechanisms = map[string]client.ScramMechanism{
	client.ScramSHA256.String(): client.ScramSHA256,
	client.ScramSHA512.String(): client.ScramSHA512,
}

// checkQuotaChanges refuses settings that users, clients and addresses do not
// have, with the words of Kafka's tool.
func checkQuotaChanges(entities []configEntity, changes []client.ConfigChange) error {
	first := entities[0]
	if first.quota == "" {
		return nil
	}
	known, only := clientQuotas, "quota"
	switch {
	case first.quota == "ip":
		known, only = ipQuotas, "connection quota"
	case first.quota == "user" && len(entities) == 1:
		only = "quota and SCRAM credential"
	}
	var added, deleted []string
	scram := 0
	for _, change := range changes {
		if _, ok := scramMechanisms[change.Name]; ok && first.quota == "user" && len(entities) == 1 {
			scram++
		} else if !slices.Contains(known, change.Name) {
			if change.Op == client.DeleteConfig {
				deleted = append(deleted, change.Name)
			} else {
				added = append(added, change.Name)
			}
		}
	}
	unexpected := func(verb, names string) error {
		return usage("Only %s configs can be %s for '%s' using --bootstrap-server. Unexpected config names: %s", only, verb, first.entityKind.name, names).
			advised("there are " + strings.Join(known, ", "))
	}
	switch {
	case first.quota == "ip" && len(added)+len(deleted) > 0:
		return unexpected("added", strings.Join(append(added, deleted...), ","))
	case len(added) > 0: // as Scala prints the collections
		return unexpected("added", "Set("+strings.Join(added, ", ")+")")
	case len(deleted) > 0:
		return unexpected("deleted", "ArrayBuffer("+strings.Join(deleted, ", ")+")")
	case scram > 0 && scram < len(changes):
		return usage("Cannot alter both quota and SCRAM credential configs simultaneously for 'users' using --bootstrap-server.").advised("give one command for each")
	case scram > 0 && first.name == nil:
		return usage("The use of --entity-default or --user-defaults is not allowed with User SCRAM Credentials using --bootstrap-server.").advised("name the user: --user NAME")
	}
	return nil
}

// alterQuotas changes quotas, or passwords of a user.
func (r *configRun) alterQuotas(ctx context.Context, changes []client.ConfigChange) error {
	if _, ok := scramMechanisms[changes[0].Name]; ok {
		return r.alterScram(ctx, changes)
	}
	quotas := make([]client.QuotaChange, len(changes))
	var deleted []string
	for i, change := range changes {
		quotas[i] = client.QuotaChange{Name: change.Name, Remove: change.Op == client.DeleteConfig}
		if quotas[i].Remove {
			deleted = append(deleted, change.Name)
			continue
		}
		var err error
		if quotas[i].Value, err = strconv.ParseFloat(change.Value, 64); err != nil {
			return usage("Cannot parse quota configuration value for %s: %s", change.Name, change.Value).advised("write it as --add-config " + change.Name + "=1048576")
		}
	}
	if err := r.checkDeletedQuotas(ctx, deleted); err != nil {
		return err
	}
	entity := make([]client.QuotaEntity, len(r.entities))
	for i, e := range r.entities {
		entity[i] = client.QuotaEntity{Type: e.quota, Name: e.name}
	}
	return r.admin.AlterQuotas(ctx, entity, quotas)
}

// checkDeletedQuotas refuses to delete what is not set.
func (r *configRun) checkDeletedQuotas(ctx context.Context, deleted []string) error {
	if len(deleted) == 0 {
		return nil
	}
	filters := make([]client.QuotaFilter, len(r.entities))
	for i, e := range r.entities {
		filters[i].QuotaEntity = client.QuotaEntity{Type: e.quota, Name: e.name}
	}
	quotas, err := r.admin.DescribeQuotas(ctx, filters...)
	if err != nil {
		return err
	}
	var missing []string
	for _, name := range deleted {
		if !slices.ContainsFunc(quotas, func(q client.Quotas) bool { _, set := q.Values[name]; return set }) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return &unknownConfigError{problem: "Invalid config(s): " + strings.Join(missing, ","), see: "--describe shows what is set"}
	}
	return nil
}

func (r *configRun) alterScram(ctx context.Context, changes []client.ConfigChange) error {
	scram := make([]client.ScramChange, len(changes))
	for i, change := range changes {
		mechanism := scramMechanisms[change.Name]
		if change.Op == client.DeleteConfig {
			scram[i] = client.ScramChange{ScramCredential: client.ScramCredential{Mechanism: mechanism}, Delete: true}
			continue
		}
		var err error
		if scram[i], err = scramChange(mechanism, change.Value); err != nil {
			return err
		}
	}
	return r.admin.AlterScram(ctx, *r.entities[0].name, scram)
}

// Kafka: ConfigCommand.parseScramCredential.
var scramValue = regexp.MustCompile(`^(?:iterations=([0-9]*),)?password=(.*)$`)

// scramChange reads [iterations=N,]password=P. No message quotes the value,
// which holds the password, or what was meant to be one.
func scramChange(mechanism client.ScramMechanism, value string) (client.ScramChange, error) {
	change := client.ScramChange{ScramCredential: client.ScramCredential{Mechanism: mechanism, Iterations: client.LeastScramIterations}}
	form := fmt.Sprintf("write it as --add-config '%s=[iterations=8192,password=...]'", mechanism)
	m := scramValue.FindStringSubmatch(value)
	if m == nil {
		return change, usage("Invalid credential property %s", strings.ReplaceAll(mechanism.String(), "-", "_")).advised(form)
	}
	if m[1] != "" {
		n, err := strconv.ParseInt(m[1], 10, 32)
		if err != nil {
			return change, usage("%s: %s is no number of iterations", mechanism, m[1]).advised(form)
		}
		change.Iterations = int32(n)
	}
	if change.Iterations < client.LeastScramIterations {
		return change, usage("Iterations %d is less than the minimum %d required for %s", change.Iterations, client.LeastScramIterations, mechanism).advised(form)
	}
	if m[2] == "" {
		return change, usage("Password must not be empty").advised(form)
	}
	change.Password = config.Secret(m[2])
	return change, nil
}

func (r *configRun) describeQuotas(ctx context.Context) error {
	filters := make([]client.QuotaFilter, len(r.entities))
	for i, e := range r.entities {
		filters[i] = client.QuotaFilter{QuotaEntity: client.QuotaEntity{Type: e.quota, Name: e.name}, Any: e.name == nil && !e.byDefault}
	}
	quotas, err := r.admin.DescribeQuotas(ctx, filters...)
	if err != nil {
		return err
	}
	for _, q := range quotas {
		if _, err := fmt.Fprintf(r.Out, "Quota configs for %s are %s\n", quotaEntity(q.Entity), quotaValues(q.Values)); err != nil {
			return err
		}
	}
	if only := r.entities[0]; len(r.entities) == 1 && only.quota == "user" && !only.byDefault {
		return r.describeScram(ctx, only.name)
	}
	return nil
}

func (r *configRun) describeScram(ctx context.Context, user *string) error {
	var names []string
	if user != nil {
		names = append(names, *user)
	}
	users, err := r.admin.ScramUsers(ctx, names...)
	if err != nil {
		return err
	}
	for _, u := range users {
		if u.Err != nil {
			return u.Err
		}
		words := make([]string, len(u.Credentials))
		for i, c := range u.Credentials {
			words[i] = fmt.Sprintf("%s=iterations=%d", c.Mechanism, c.Iterations)
		}
		if _, err := fmt.Fprintf(r.Out, "SCRAM credential configs for user-principal '%s' are %s\n", u.Name, strings.Join(words, ", ")); err != nil {
			return err
		}
	}
	return nil
}

// quotaEntity names whom a quota is for: the user first, then the client.
func quotaEntity(parts []client.QuotaEntity) string {
	var words []string
	for _, kind := range []string{"user", "client-id", "ip"} {
		for _, part := range parts {
			if part.Type != kind {
				continue
			}
			what := kind
			if kind == "user" {
				what = "user-principal"
			}
			if part.Name == nil {
				words = append(words, "the default "+what)
			} else {
				words = append(words, fmt.Sprintf("%s '%s'", what, *part.Name))
			}
		}
	}
	return strings.Join(words, ", ")
}

func quotaValues(values map[string]float64) string {
	words := make([]string, 0, len(values))
	for name, value := range values {
		words = append(words, name+"="+javaFloat(value, 64))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}
