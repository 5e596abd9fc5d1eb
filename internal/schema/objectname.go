package schema

// ObjectName names an object with its kind: table, view, procedure, function, trigger, event.
type ObjectName struct {
	Kind string `json:"kind"`
	Name
}

// String prints kind schema.name.
func (o ObjectName) String() string { return o.Kind + " " + o.Name.String() }
