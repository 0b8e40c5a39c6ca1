package broker

// APIs shows the table of what we speak to the tests.
func APIs() []struct {
	Key      int16
	Name     string
	Min, Max int16
	Local    bool
} {
	var list []struct {
		Key      int16
		Name     string
		Min, Max int16
		Local    bool
	}
	for _, a := range apis() {
		list = append(list, struct {
			Key      int16
			Name     string
			Min, Max int16
			Local    bool
		}{a.key, a.name, a.min, a.max, a.local})
	}
	return list
}
