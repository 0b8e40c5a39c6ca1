package broker

// Row is a row of the table of what we speak, for the tests.
type Row struct {
	Key      int16
	Name     string
	Min, Max int16
	Needs    string
	Local    bool
}

// APIs is that table.
func APIs() []Row {
	var rows []Row
	for _, a := range apis() {
		rows = append(rows, Row{a.key, a.name, a.min, a.max, a.needs, a.local})
	}
	return rows
}
