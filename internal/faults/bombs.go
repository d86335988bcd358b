package faults

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// hugeBody is the size of the bodies that a client must not take in whole.
const hugeBody = 200 << 20

// bombs are answers that cost a careless client its memory.
var bombs = []Fault{
	{Name: "200 MB body", About: "200 and 200 MB of JSON", Large: true, strike: func(s *strike) {
		s.w.Header().Set("Content-Type", scimType)
		_ = writeHuge(s.w)
	}},
	{Name: "gzip bomb", About: "200 and 200 MB of JSON, compressed to 200 KB", Large: true, strike: func(s *strike) {
		s.w.Header().Set("Content-Type", scimType)
		s.w.Header().Set("Content-Encoding", "gzip")
		_, _ = s.w.Write(gzipBomb())
	}},
	{Name: "large headers", About: "200 and 12 MB of headers", Large: true, strike: func(s *strike) {
		line := strings.Repeat("x", 1<<16)
		for range 12 << 4 {
			s.w.Header().Add("X-Fill", line)
		}
		s.w.WriteHeader(http.StatusOK)
	}},
}

// The huge body is a ListResponse with one endless string.
const (
	hugeHead = `{"totalResults":1,"Resources":[{"id":"`
	hugeTail = `"}]}`
)

// filling is what the endless string is made of.
func filling() []byte {
	return bytes.Repeat([]byte{'a'}, 1<<20)
}

func writeHuge(w io.Writer) error {
	if _, err := io.WriteString(w, hugeHead); err != nil {
		return err
	}
	chunk := filling()
	for range hugeBody / len(chunk) {
		if _, err := w.Write(chunk); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, hugeTail)
	return err
}

// gzipBomb returns the huge body compressed, part by part: the parts of a gzip
// file may simply follow each other (RFC 1952 section 2.2).
var gzipBomb = sync.OnceValue(func() []byte {
	part := compressed(filling())
	return slices.Concat(compressed([]byte(hugeHead)), bytes.Repeat(part, hugeBody>>20), compressed([]byte(hugeTail)))
})

func compressed(data []byte) []byte {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	// A buffer takes everything.
	_, _ = writer.Write(data)
	_ = writer.Close()
	return packed.Bytes()
}
