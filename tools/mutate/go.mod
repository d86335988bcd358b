module github.com/conductorone/baton-whimsical/tools/mutate

go 1.26.0
