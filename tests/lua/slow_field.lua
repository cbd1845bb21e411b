-- Every layer of every architecture: see test_field.lua.
assert(loadfile((arg[0]:gsub("[^/]*$", "")) .. "test_field.lua"))("all")
