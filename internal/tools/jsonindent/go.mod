module github.com/conductorone/baton-whimsical/internal/tools/jsonindent

go 1.26.0
