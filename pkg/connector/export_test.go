package connector

// RoleIDs are the ids of all roles.
func RoleIDs() []string { return roleIDs() }
