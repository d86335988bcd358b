module github.com/conductorone/baton-whimsical/internal/tools/mutate

go 1.26.0
