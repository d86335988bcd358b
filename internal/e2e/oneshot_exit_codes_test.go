//go:build unix

package e2e

import (
	"net/http"
	"os"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
)

// Whatever a run is for, its exit code is the gRPC code of what went wrong, and it
// leaves nothing in the folder for temporary files.
func TestEveryOperationEndsWithTheCodeOfItsError(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	viewer, editor, inactive := person(t, w, isViewer).ID, person(t, w, isEditor).ID, person(t, w, isInactive).ID
	operations := map[string][]string{
		"sync":    nil,
		"grant":   grantArgs(editorRole, viewer),
		"revoke":  revokeArgs(editorRole, editor),
		"create":  {"--create-account-email", ada},
		"delete":  deleteArgs(viewer),
		"disable": actionArgs("disable_user", viewer),
		"enable":  actionArgs("enable_user", inactive),
	}
	all := []string{"sync", "grant", "revoke", "create", "delete", "disable", "enable"}
	for _, test := range []struct {
		fault      faults.Fault
		struck     []faults.Operation
		operations []string
		code       codes.Code
	}{
		// A sync goes on trying for ten minutes; a grant and a revoke for two, unless the
		// server says how long to wait.
		{fault: faults.Named("429 in seconds"), operations: all[1:], code: codes.Unavailable},
		{fault: faults.Named("reset before the answer"), operations: all[3:], code: codes.Unavailable},
		{fault: faults.Named("hang before the work"), operations: all[3:], code: codes.DeadlineExceeded},
		{fault: faults.Named("400"), operations: all, code: codes.InvalidArgument},
		{fault: faults.Named("401"), operations: all, code: codes.Unauthenticated},
		{fault: faults.Named("403"), operations: all, code: codes.PermissionDenied},
		{fault: faults.Refusal(http.StatusConflict), operations: all, code: codes.AlreadyExists},
		{fault: faults.Named("HTML with 200"), operations: all, code: codes.FailedPrecondition},
		{fault: faults.Named("501"), operations: all, code: codes.FailedPrecondition},
		{
			fault: faults.Named("501"), struck: []faults.Operation{faults.Patch}, operations: []string{"grant", "revoke", "disable", "enable"},
			code: codes.Unimplemented,
		},
	} {
		for _, name := range test.operations {
			t.Run(name+", "+test.fault.Name+" "+test.code.String(), func(t *testing.T) {
				t.Parallel()
				w := faults.Serve(t, twelve)
				f := launch.NewFolder(t, w)
				if name == "sync" { // no other operation looks at the file
					f.Succeed()
				}
				w.Set(faults.Rule{Fault: test.fault, Operations: test.struck})
				tmp := t.TempDir()
				f.Env = append(f.Env, "TMPDIR="+tmp)
				if test.code == codes.DeadlineExceeded {
					f.Env = append(f.Env, "BATON_HTTP_TIMEOUT_SECONDS=1")
				}
				f.Fail(test.code, "", operations[name]...)
				if left, err := os.ReadDir(tmp); len(left) != 0 || err != nil {
					t.Errorf("left in the folder for temporary files: %v, %v", left, err)
				}
			})
		}
	}
}
