--- The standard dialect under the name that SQLAlchemy gives it.
return require("lualchemy.dialects.standard")
