package connector

import "github.com/conductorone/baton-whimsical/pkg/whimsical"

// What the log says of a sync and of a change, and what a terminal shows in its own words.
const (
	// MessageReading comes with each page: users so far, and total where it is known.
	MessageReading = whimsical.Prefix + "reading users"
	// MessageRead comes at the end of a listing: users, editors, viewers, inactive,
	// without_role, passes, requests, seconds.
	MessageRead = whimsical.Prefix + "users read"
	// MessageNotReported warns of users_without_role and users_without_status.
	MessageNotReported = whimsical.Prefix + "the API did not report the role or the status of some users: " +
		"without a role they hold no grant, without a status they count as users with access"
	// MessageChanged comes with each change: operation, user_id and, where it is known, the role.
	MessageChanged = whimsical.Prefix + "workspace changed"
	// MessageUnchanged says for which reason an operation left the workspace as it was.
	MessageUnchanged = whimsical.Prefix + "nothing to change"
	// MessageMissing warns that nothing was taken from a user who is not there: operation, user_id, reason.
	MessageMissing = whimsical.Prefix + "nothing to change, since there is no such user"
	// MessageAccepted comes with a creation that no read shows yet: user_id.
	MessageAccepted = whimsical.Prefix + "creation accepted"
	// MessagePending gives the reason why a new user is not in the workspace yet.
	MessagePending = whimsical.Prefix + "creation pending"
)

// What a change does, as the log's field operation names it.
const (
	OperationGrant    = "role granted"
	OperationRevoke   = "role revoked"
	OperationCreate   = "user created"
	OperationActivate = "user activated"
	OperationDelete   = "user deleted"
	OperationEnable   = "user enabled"
	OperationDisable  = "user disabled"
)

// HiddenID stands in the log for a user's id that is an e-mail address, or not known.
const HiddenID = "{id}"
