// Files compressed with gzip, read and written in this process: LAMMPS starts `gzip` for them, which the walls refuse.

#ifndef MDEB_RECORDER_GZIP_H
#define MDEB_RECORDER_GZIP_H

#include <cstdio>
#include <dlfcn.h>
#include <string>

namespace {

// zlib as LAMMPS itself has loaded it; `open` is null where it has not
struct Zlib {
  void *(*open)(const char *, const char *);
  int (*read)(void *, void *, unsigned);
  int (*write)(void *, const void *, unsigned);
  int (*close)(void *);

  explicit Zlib(void *library) :
      open(find<decltype(open)>(library, "gzopen")), read(find<decltype(read)>(library, "gzread")),
      write(find<decltype(write)>(library, "gzwrite")), close(find<decltype(close)>(library, "gzclose"))
  {
  }

  template <class F> static F find(void *library, const char *symbol)
  {
    return library ? reinterpret_cast<F>(dlsym(library, symbol)) : nullptr;
  }
};

struct Archive {
  const Zlib *zlib;
  void *stream;
};

// a stream over a .gz file, or null if it is none, cannot be opened, or there is no zlib
FILE *open_gzip(const Zlib &zlib, const std::string &file, const char *mode)
{
  if (!zlib.open || file.size() < 4 || file.compare(file.size() - 3, 3, ".gz") != 0) return nullptr;
  void *stream = zlib.open(file.c_str(), mode);
  if (!stream) return nullptr;
  cookie_io_functions_t calls{};
  calls.read = [](void *cookie, char *data, size_t bytes) -> ssize_t {
    auto *archive = static_cast<Archive *>(cookie);
    return archive->zlib->read(archive->stream, data, unsigned(bytes));
  };
  calls.write = [](void *cookie, const char *data, size_t bytes) -> ssize_t {
    auto *archive = static_cast<Archive *>(cookie);
    return archive->zlib->write(archive->stream, data, unsigned(bytes));
  };
  calls.close = [](void *cookie) -> int {
    auto *archive = static_cast<Archive *>(cookie);
    const int failed = archive->zlib->close(archive->stream);
    delete archive;
    return failed ? EOF : 0;
  };
  return fopencookie(new Archive{&zlib, stream}, mode, calls);
}

}    // namespace

#endif
