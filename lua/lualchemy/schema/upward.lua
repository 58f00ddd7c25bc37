--- What the schema layer needs from layers above it; they put their functions here when they are loaded.

return {
  ---@type fun(url: string): lualchemy.Engine
  create_engine = nil,
  ---@type fun(bind: any): lualchemy.Inspector
  inspect = nil,
}
