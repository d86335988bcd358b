package whimsical

import "context"

func (c *Client) confirmMissing(_ context.Context, err error) error { return err }
