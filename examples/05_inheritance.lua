-- Classes that inherit: a table for each, one table for several, and how to load and to ask for all of them.
--
--     lua5.4 examples/05_inheritance.lua [URL]

local sa = require("lualchemy")
local orm = require("lualchemy.orm")

local Base = orm.declarative_base()

-- Every vehicle has a row in `vehicles`, which says what kind it is.
local Vehicle = Base:class("Vehicle", {
  __tablename__ = "example_vehicles",
  id = sa.Column(sa.Integer, { primary_key = true }),
  kind = sa.Column(sa.String(20)),
  name = sa.Column(sa.String(40)),
  garage_id = sa.Column(sa.ForeignKey("example_garages.id")),
  __mapper_args__ = { polymorphic_on = "kind", polymorphic_abstract = true },
  describe = function(self) return ("%s, a %s"):format(self.name, self.kind) end,
})

-- Joined: what only lorries have lies in a table of their own.
local Lorry = Vehicle:class("Lorry", {
  __tablename__ = "example_lorries",
  id = sa.Column(sa.ForeignKey("example_vehicles.id"), { primary_key = true }),
  tons = sa.Column(sa.Integer),
  __mapper_args__ = { polymorphic_identity = "lorry" },
  describe = function(self) return ("%s for %d tons"):format(Vehicle.describe(self), self.tons) end,
})

-- Single: bicycles have a column more in the table of all vehicles, tandems nothing at all.
local Bicycle = Vehicle:class("Bicycle", {
  gears = sa.Column(sa.Integer),
  __mapper_args__ = { polymorphic_identity = "bicycle" },
})
local Tandem = Bicycle:class("Tandem", { __mapper_args__ = { polymorphic_identity = "tandem" } })

local Garage = Base:class("Garage", {
  __tablename__ = "example_garages",
  id = sa.Column(sa.Integer, { primary_key = true }),
  vehicles = orm.relationship("Vehicle", { order_by = "Vehicle.id" }),
})

local engine = sa.create_engine(arg and arg[1] or "sqlite://")
Base.metadata:drop_all(engine)
Base.metadata:create_all(engine)

local Session = orm.sessionmaker{ bind = engine }
do
  local session <close> = Session()
  session:add(Garage{ vehicles = {
    Lorry{ name = "Goliath", tons = 12 }, Bicycle{ name = "Swift", gears = 21 }, Tandem{ name = "Twin", gears = 3 }, Lorry{ name = "Ant", tons = 2 },
  } })
  session:commit()

  -- Each row becomes an object of its class, wherever it comes from.
  for vehicle in session:query(Vehicle):order_by(Vehicle.id):iter() do print(vehicle:describe()) end
  print(("%d bicycles, %d of them tandems"):format(session:query(Bicycle):count(), session:query(Tandem):count()))
  print("in the garage: " .. #session:query(Garage):one().vehicles)
  session:expunge_all()

  -- The whole hierarchy in one statement, and criteria on what only some of them have.
  local all = orm.with_polymorphic(Vehicle, { Lorry, Bicycle })
  for vehicle in session:query(all):filter(sa.or_(all.Lorry.tons:gt(5), all.Bicycle.gears:gt(10))):order_by(all.id):iter() do
    print("large: " .. vehicle.name)
  end

  -- Along a relationship to some of its target's classes only.
  print("garages with lorries: " .. session:query(Garage):filter(Garage.vehicles:of_type(Lorry):any()):count())
  local garage = session:query(Garage):options(orm.selectinload(Garage.vehicles:of_type(all))):one()
  print("loaded together: " .. garage.vehicles[1].tons .. " tons, " .. garage.vehicles[2].gears .. " gears")

  session:delete(garage.vehicles[1])
  session:commit()
  print("lorries left: " .. session:query(Lorry):one().name)
end

Base.metadata:drop_all(engine)
engine:dispose()
