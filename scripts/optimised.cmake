# Defines the debug build of C libraries that are built with Cargo's profile; see
# .cargo/config.toml. These libraries are not debugged here, and they link faster without symbols.
set(CMAKE_C_FLAGS_DEBUG "-O2 -DNDEBUG" CACHE STRING "")
