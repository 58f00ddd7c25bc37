std = "lua54"
max_line_length = 160
ignore = { "212/self" }   -- methods have their shape from the class, not from what they use
cache = false
exclude_files = { "build" }
files["spec/**/*_spec.lua"] = { std = "+busted" }
files["lua/lualchemy/_meta"] = { ignore = { "2", "1" } }
