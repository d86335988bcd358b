package c1

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
)

type uploadStream = grpc.ClientStreamingServer[v1.BatonServiceUploadAssetRequest, v1.BatonServiceUploadAssetResponse]

// UploadAsset stores the asset of a task: first its metadata, then the data, then
// the checksum. It fails with InvalidArgument when the order is another one, with
// DataLoss when the checksum is not that of the data, and with NotFound for a task
// that is not under way. A second upload for a task replaces the first.
func (s *batonService) UploadAsset(stream uploadStream) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	if !first.HasMetadata() {
		return status.Error(codes.InvalidArgument, "an upload begins with its metadata")
	}
	id := first.GetMetadata().GetTaskId()
	// The answer comes before any data is stored, and makes the id a safe name.
	if err := s.ledger.change(id, func(*Task) {}); err != nil {
		return err
	}
	path, err := s.receive(stream, id)
	if err != nil {
		return err
	}
	if err := s.ledger.change(id, func(task *Task) { task.upload = path }); err != nil {
		return err
	}
	return stream.SendAndClose(&v1.BatonServiceUploadAssetResponse{})
}

// receive stores the data of an upload and returns the file's path.
func (s *batonService) receive(stream uploadStream, id string) (string, error) {
	partial, err := os.CreateTemp(s.uploads, id+"-*.partial")
	if err != nil {
		return "", status.Errorf(codes.Internal, "store: %v", err)
	}
	err = errors.Join(copyAsset(partial, stream), partial.Close())
	path := filepath.Join(s.uploads, id+".c1z")
	if err == nil {
		err = os.Rename(partial.Name(), path)
	}
	if err != nil {
		// What is left of it goes with the folder at the latest.
		_ = os.Remove(partial.Name())
		return "", err
	}
	return path, nil
}

// copyAsset writes the data of an upload to w and checks it against the checksum
// that ends it.
func copyAsset(w io.Writer, stream uploadStream) error {
	hash := sha256.New()
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return status.Error(codes.InvalidArgument, "an upload ends with its checksum")
		}
		if err != nil {
			return err
		}
		switch {
		case message.HasData():
			if _, err := io.MultiWriter(w, hash).Write(message.GetData().GetData()); err != nil {
				return status.Errorf(codes.Internal, "store: %v", err)
			}
		case message.HasEof():
			if !bytes.Equal(message.GetEof().GetSha256Checksum(), hash.Sum(nil)) {
				return status.Error(codes.DataLoss, "the checksum is not that of the data")
			}
			return nil
		default:
			return status.Error(codes.InvalidArgument, "an upload has its metadata once")
		}
	}
}
