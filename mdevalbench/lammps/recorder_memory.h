// The evidence memory, the place in the user's script, and the forces before fixes change them (see recorder.cpp).

#ifndef MDEB_RECORDER_MEMORY_H
#define MDEB_RECORDER_MEMORY_H

#include "angle.h"
#include "atom.h"
#include "bond.h"
#include "dihedral.h"
#include "domain.h"
#include "error.h"
#include "fix.h"
#include "force.h"
#include "group.h"
#include "improper.h"
#include "input.h"
#include "kspace.h"
#include "lammps.h"
#include "modify.h"
#include "pair.h"
#include "update.h"

#include "recorder_layout.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <fnmatch.h>
#include <limits>
#include <random>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_map>
#include <vector>

using namespace LAMMPS_NS;
using namespace mdeb;

namespace {

Header *header = nullptr;
char *memory_base = nullptr;
std::mt19937_64 rng;

// ---------------------------------------------------------------- sections of the evidence memory

char *reserve(Section &section, uint64_t bytes)
{
  bytes = (bytes + 7) & ~uint64_t(7);
  if (section.capacity - section.used < bytes) {
    section.dropped++;
    return nullptr;
  }
  char *place = memory_base + section.at + section.used;
  section.used += bytes;
  return place;
}

// ---------------------------------------------------------------- where in the user's script we are

struct ScriptFile {
  dev_t device = 0;
  ino_t inode = 0;
  std::vector<long> line_starts;

  void index(const char *path)
  {
    line_starts.clear();
    FILE *fp = fopen(path, "r");
    if (!fp) return;
    struct stat info;
    fstat(fileno(fp), &info);
    device = info.st_dev;
    inode = info.st_ino;
    line_starts.push_back(0);
    long offset = 0;
    for (int c; (c = getc(fp)) != EOF;) {
      offset++;
      if (c == '\n') line_starts.push_back(offset);
    }
    fclose(fp);
  }
  // 1-based number of the line that ends before the file's read position; 0 if this is another file
  int64_t line(FILE *fp) const
  {
    struct stat info;
    if (!fp || fstat(fileno(fp), &info) || info.st_dev != device || info.st_ino != inode) return 0;
    long offset = ftell(fp);
    return std::lower_bound(line_starts.begin(), line_starts.end(), offset) - line_starts.begin();
  }
} script;

// ---------------------------------------------------------------- forces before fixes change them

struct Snapshot {
  bigint step = -1;
  int nlocal = 0;
  std::vector<double> forces;

  void take(LAMMPS *lmp)
  {
    step = lmp->update->ntimestep;
    nlocal = lmp->atom->nlocal;
    if (nlocal) forces.assign(lmp->atom->f[0], lmp->atom->f[0] + 3 * size_t(nlocal));
  }
} before_fixes;

}    // namespace

#endif
