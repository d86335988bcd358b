module github.com/conductorone/baton-whimsical/tools/jsonindent

go 1.26.0
