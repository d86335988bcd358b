package connector

// RoleIDs are the ids of all roles.
func RoleIDs() []string {
	var ids []string
	for _, r := range roles {
		ids = append(ids, string(r.id))
	}
	return ids
}
