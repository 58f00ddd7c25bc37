std = "lua54"
max_line_length = 160
cache = false
exclude_files = { "build" }
files["spec/**/*_spec.lua"] = { std = "+busted" }
files["lua/lualchemy/_meta"] = { ignore = { "2", "1" } }
