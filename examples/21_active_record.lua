-- Objects that find and write themselves, for programs that like them so: a thin layer over a session that the program made.
-- Its transaction stays the program's, and mistakes in a form are told all at once.
--
--     lua5.4 examples/21_active_record.lua [URL]

local sa = require("lualchemy")
local orm = require("lualchemy.orm")

local engine = sa.create_engine(arg and arg[1] or "sqlite://")
local Session = orm.scoped_session(orm.sessionmaker{ bind = engine })
local Base = orm.declarative_base()

local Guest = Base:class("Guest", orm.active_record(Session), {
  __tablename__ = "record_guests",
  id = sa.Column(sa.Integer, { primary_key = true }),
  name = sa.Column(sa.String(30), { nullable = false }),
  seats = sa.Column(sa.Integer, { nullable = false, default = 1 }),
  check_name = orm.validates("name", function(_, _, name)
    if #name < 2 then error("is too short", 0) end
    return name
  end),
  check_seats = orm.validates("seats", function(_, _, seats)
    if seats > 8 then error("the table has eight", 0) end
    return seats
  end),
})

Base.metadata:drop_all(engine)
Base.metadata:create_all(engine)

local ada = Guest:create{ name = "Ada", seats = 2 }
Guest:create{ name = "Grace" }
Session:commit()
print("guests: " .. Guest:count() .. ", at a table of their own: " .. Guest:find_by{ name = "Grace" }.name)

-- A form that is wrong in two places: both are told, and Ada keeps what she had.
local ok, err = pcall(ada.update, ada, { name = "A", seats = 12 })
print("accepted: " .. tostring(ok))
for _, mistake in ipairs(err.errors) do print(mistake.attribute .. " " .. mistake.message) end
print("still: " .. ada.name .. ", " .. ada.seats)

-- update() and delete() flush; who made the session commits, or changes his mind.
ada:update{ seats = 5 }
Guest:find_by{ name = "Grace" }:delete()
print("before the rollback: " .. Guest:count() .. ", " .. ada.seats)
Session:rollback()
print("after it: " .. Guest:count() .. ", " .. Guest:find(ada.id).seats)
print("with several seats: " .. Guest:where(Guest.seats:gt(1)):count())
Session:remove()
