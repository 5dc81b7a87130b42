# Defines the debug build of the C libraries that follow Cargo's profile; see .cargo/config.toml.
# Nobody debugs these libraries here, and they link faster without symbols.
set(CMAKE_C_FLAGS_DEBUG "-O2 -DNDEBUG" CACHE STRING "")
