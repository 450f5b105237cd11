/* One function per thing that a sandboxed process may or may not do.
 * Each returns 0 if the kernel let it happen and errno if it refused. Unprivileged processes outside a sandbox can do
 * most of them; the arguments are chosen such that nothing is changed on the machine when they are let through. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RESULT(call) ((call) == -1 ? errno : 0)

/* --- files; `path` is given by the test --- */
int open_read(const char *path) { return RESULT(open(path, O_RDONLY)); }
int open_write(const char *path) { return RESULT(open(path, O_WRONLY)); }
int open_create(const char *path) { return RESULT(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600)); }
int list_folder(const char *path) { return RESULT(open(path, O_RDONLY | O_DIRECTORY)); }
int make_folder(const char *path) { return RESULT(mkdir(path, 0700)); }
int move_away(const char *path) { return RESULT(rename("own", path)); }
int remove_file(const char *path) { return RESULT(unlink(path)); }
int remove_file_at(const char *path) { return RESULT(unlinkat(AT_FDCWD, path, 0)); }
int remove_folder(const char *path) { return RESULT(rmdir(path)); }
int remove_folder_at(const char *path) { return RESULT(unlinkat(AT_FDCWD, path, AT_REMOVEDIR)); }
int nameless_file(const char *folder) { return RESULT(open(folder, O_TMPFILE | O_WRONLY, 0600)); }
int truncate_path(const char *path) { return RESULT(truncate(path, 1)); }
int change_mode(const char *path) { return RESULT(chmod(path, 0644)); }
int change_mode_open(const char *path) { int fd = open(path, O_RDONLY); return fd < 0 ? -1 : RESULT(fchmod(fd, 04755)); }
int change_owner(const char *path) { return RESULT(chown(path, -1, -1)); }
int change_times(const char *path) { return RESULT(utimensat(AT_FDCWD, path, NULL, 0)); }
int make_fifo(const char *path) { return RESULT(mkfifo(path, 0600)); }
int make_device(const char *path) { return RESULT(mknod(path, S_IFREG | 0600, 0)); }
int make_symlink(const char *path) { return RESULT(symlink("/etc", path)); }
int make_link(const char *path) { return RESULT(link("own", path)); }
int write_descriptor(const char *number) { return RESULT(write(atoi(number), "x", 1)); }
int read_input(const char *unused) { char c; ssize_t n = read(0, &c, 1); return n < 0 ? errno : n; }

/* --- sockets --- */
static int make_socket(int family, int type) { return RESULT(socket(family, type, 0)); }
int socket_tcp(const char *unused) { return make_socket(AF_INET, SOCK_STREAM); }
int socket_udp(const char *unused) { return make_socket(AF_INET, SOCK_DGRAM); }
int socket_tcp6(const char *unused) { return make_socket(AF_INET6, SOCK_STREAM); }
int socket_raw(const char *unused) { return RESULT(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)); }
int socket_unix(const char *unused) { return make_socket(AF_UNIX, SOCK_STREAM); }
int socket_netlink(const char *unused) { return make_socket(AF_NETLINK, SOCK_RAW); }
int socket_pair(const char *unused) { int s[2]; return RESULT(socketpair(AF_UNIX, SOCK_STREAM, 0, s)); }
int socket_any(const char *unused) { /* EPERM if every family and type is refused */
  for (int family = 0; family <= 46; family++)
    for (int type = 1; type <= 10; type++) {
      int s = socket(family, type, 0);
      if (s >= 0) close(s);
      if (s >= 0 || errno != EPERM) return s >= 0 ? 0 : errno;
    }
  return EPERM;
}
int socket_connect(const char *number) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  return RESULT(connect(atoi(number), (struct sockaddr *) &to, sizeof to));
}
int socket_send(const char *number) { return RESULT(send(atoi(number), "x", 1, MSG_NOSIGNAL)); }

/* --- processes --- */
static int reaped(long child) {
  if (child == 0) _exit(0);
  if (child > 0) waitpid(child, NULL, 0);
  return RESULT(child);
}
int process_fork(const char *unused) { return reaped(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }
int process_libc_fork(const char *unused) { return reaped(fork()); }
int process_clone3(const char *unused) { unsigned long long args[8] = {0, 0, 0, 0, SIGCHLD}; return reaped(syscall(SYS_clone3, args, sizeof args)); }
int process_system(const char *unused) { return system("true") == 0 ? 0 : EPERM; }
int process_popen(const char *unused) { FILE *pipe = popen("true", "r"); return pipe && pclose(pipe) == 0 ? 0 : EPERM; }
static int leave(void *unused) { return 0; }
int process_spawn(const char *unused) { /* what posix_spawn does */
  static char stack[65536];
  return reaped(clone(leave, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL));
}
#ifdef SYS_fork
int process_old_fork(const char *unused) { return reaped(syscall(SYS_fork)); }
int process_old_vfork(const char *unused) { long child = vfork(); if (child == 0) _exit(0); return RESULT(child); }
#endif
int process_double_fork(const char *path) { /* a grandchild that would outlive the process group leaves a file */
  long child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    setsid();
    if (fork() == 0) close(open(path, O_CREAT | O_WRONLY, 0600));
    _exit(0);
  }
  waitpid(child, NULL, 0);
  return 0;
}
int program(const char *unused) { char *args[] = {"/nonexistent", NULL}; int e = RESULT(execve(args[0], args, args + 1)); return e == ENOENT ? 0 : e; }
int program_in_memory(const char *unused) { /* a program that never had a name */
  char *args[] = {"x", NULL};
  int fd = memfd_create("x", 0);
  if (fd < 0) return errno;
  int e = RESULT(syscall(SYS_execveat, fd, "", args, args + 1, AT_EMPTY_PATH));
  return e == ENOEXEC || e == EACCES ? 0 : e;
}
int program_at(const char *unused) { char *args[] = {"x", NULL}; int e = RESULT(syscall(SYS_execveat, -1, "", args, args + 1, AT_EMPTY_PATH)); return e == EBADF ? 0 : e; }
int new_session(const char *unused) { return RESULT(setsid()); }
int new_group(const char *unused) { return RESULT(setpgid(0, 0)); }
int new_namespace(const char *unused) { return RESULT(unshare(CLONE_FILES)); }
int enter_namespace(const char *unused) { int e = RESULT(setns(-1, 0)); return e == EBADF ? 0 : e; }

/* --- other processes --- */
int kill_parent(const char *unused) { return RESULT(kill(getppid(), 0)); }
int kill_everyone(const char *unused) { return RESULT(kill(-1, 0)); }
int kill_group(const char *unused) { return RESULT(kill(0, 0)); }
int tgkill_parent(const char *unused) { return RESULT(syscall(SYS_tgkill, getppid(), getppid(), 0)); }
int tkill_parent(const char *unused) { return RESULT(syscall(SYS_tkill, getppid(), 0)); }
int queue_parent(const char *unused) { union sigval v = {0}; return RESULT(sigqueue(getppid(), 0, v)); }
int own_io_signals(const char *unused) { return RESULT(fcntl(0, F_SETOWN, getppid())); }
int trace_parent(const char *unused) { int e = RESULT(ptrace(PTRACE_PEEKDATA, getppid(), 0, 0)); return e == ESRCH ? 0 : e; }
int read_parent(const char *unused) { char b; struct iovec l = {&b, 1}, r = {&b, 1}; int e = RESULT(process_vm_readv(getppid(), &l, 1, &r, 1, 0)); return e == EFAULT ? 0 : e; }
int write_parent(const char *unused) { char b; struct iovec l = {&b, 1}, r = {&b, 1}; int e = RESULT(process_vm_writev(getppid(), &l, 1, &r, 1, 0)); return e == EFAULT ? 0 : e; }
int seize_parent(const char *unused) { return RESULT(ptrace(PTRACE_SEIZE, getppid(), 0, 0)); }
int traced_by_parent(const char *unused) { return RESULT(ptrace(PTRACE_TRACEME, 0, 0, 0)); }
int io_priority_parent(const char *unused) { return RESULT(syscall(SYS_ioprio_set, 1, getppid(), syscall(SYS_ioprio_get, 1, getppid()))); }
int pidfd_parent(const char *unused) { return RESULT(syscall(SYS_pidfd_open, getppid(), 0)); }
int nice_parent(const char *unused) { return RESULT(setpriority(PRIO_PROCESS, getppid(), getpriority(PRIO_PROCESS, getppid()))); }
int schedule_parent(const char *unused) { struct sched_param p; sched_getparam(getppid(), &p); p.sched_priority = 0; return RESULT(sched_setscheduler(getppid(), SCHED_OTHER, &p)); }
int pin_parent(const char *unused) { cpu_set_t set; sched_getaffinity(getppid(), sizeof set, &set); return RESULT(sched_setaffinity(getppid(), sizeof set, &set)); }
int limits_of_parent(const char *unused) { struct rlimit l; return RESULT(syscall(SYS_prlimit64, getppid(), RLIMIT_CPU, NULL, &l)); }
int set_own_limit(const char *unused) { struct rlimit l; getrlimit(RLIMIT_CPU, &l); return RESULT(setrlimit(RLIMIT_CPU, &l)); }
int drop_death_signal(const char *unused) { return RESULT(prctl(PR_SET_PDEATHSIG, 0)); }

/* --- memory shared with others, kernel objects --- */
int shared_memory_v(const char *unused) { int id = shmget(IPC_PRIVATE, 4096, 0600); return id < 0 ? errno : (shmctl(id, IPC_RMID, NULL), 0); }
int semaphores_v(const char *unused) { int id = semget(IPC_PRIVATE, 1, 0600); return id < 0 ? errno : (semctl(id, 0, IPC_RMID), 0); }
int messages_v(const char *unused) { int id = msgget(IPC_PRIVATE, 0600); return id < 0 ? errno : (msgctl(id, IPC_RMID, NULL), 0); }
int shared_memory_posix(const char *unused) { int fd = shm_open("/mdevalbench-escape", O_CREAT | O_RDWR, 0600); return fd < 0 ? errno : (shm_unlink("/mdevalbench-escape"), 0); }
int messages_posix(const char *unused) { struct mq_attr a = {.mq_maxmsg = 1, .mq_msgsize = 8}; mqd_t q = mq_open("/mdevalbench-escape", O_CREAT | O_RDWR, 0600, &a); return q < 0 ? errno : (mq_unlink("/mdevalbench-escape"), 0); }
int memory_file(const char *unused) { return RESULT(memfd_create("x", 0)); }
int executable_memory(const char *unused) { return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0; }
int executable_later(const char *unused) { void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); return RESULT(mprotect(p, 4096, PROT_READ | PROT_EXEC)); }
int ring(const char *unused) { char p[120] = {0}; return RESULT(syscall(SYS_io_uring_setup, 1, p)); }
int async_io(const char *unused) { unsigned long c = 0; return RESULT(syscall(SYS_io_setup, 1, &c)); }
int kernel_program(const char *unused) { int e = RESULT(syscall(SYS_bpf, 0, NULL, 0)); return e == EINVAL || e == EFAULT || e == E2BIG ? 0 : e; }
int performance_counter(const char *unused) { int e = RESULT(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0)); return e == EFAULT || e == ENOSYS ? 0 : e; }
int page_faults(const char *unused) { int e = RESULT(syscall(SYS_userfaultfd, -1)); return e == EINVAL ? 0 : e; }
int keyring(const char *unused) { int e = RESULT(syscall(SYS_keyctl, 0, -3, 0)); return e == ENOSYS ? 0 : e; }
int new_key(const char *unused) { int e = RESULT(syscall(SYS_add_key, "user", "mdevalbench", "x", 1, 0)); return e == EINVAL || e == ENOSYS ? 0 : e; }
int file_handle(const char *path) { struct { unsigned size; int type; } h = {0, 0}; int mount, e = RESULT(syscall(SYS_name_to_handle_at, AT_FDCWD, path, &h, &mount, 0)); return e == EOVERFLOW ? 0 : e; }
int landlock_again(const char *unused) { return RESULT(syscall(SYS_landlock_create_ruleset, NULL, 0, 1)); }
int new_filter(const char *unused) { int e = RESULT(prctl(PR_SET_SECCOMP, 2, NULL)); return e == EFAULT ? 0 : e; }

/* --- the machine --- */
int mount_something(const char *unused) { int e = RESULT(syscall(SYS_mount, "x", "/nonexistent", "tmpfs", 0, NULL)); return e == ENOENT ? 0 : e; }
int change_root(const char *unused) { return RESULT(chroot("/")); }
int become_user(const char *unused) { return RESULT(syscall(SYS_setresuid, getuid(), getuid(), getuid())); }
int become_group(const char *unused) { return RESULT(syscall(SYS_setresgid, getgid(), getgid(), getgid())); }
int change_personality(const char *unused) { return RESULT(syscall(SYS_personality, 0xffffffff)); }
int load_module(const char *unused) { int e = RESULT(syscall(SYS_init_module, NULL, 0, "")); return e == EFAULT || e == ENOEXEC || e == ENOSYS ? 0 : e; }
int reboot_machine(const char *unused) { int e = RESULT(syscall(SYS_reboot, 0, 0, 0, NULL)); return e == EINVAL ? 0 : e; }
int set_clock(const char *unused) { struct timespec t = {0, -1}; int e = RESULT(syscall(SYS_clock_settime, CLOCK_REALTIME, &t)); return e == EINVAL ? 0 : e; }
int disk_quota(const char *unused) { int e = RESULT(syscall(SYS_quotactl, -1, "", 0, NULL)); return e == EINVAL || e == ENOSYS || e == ENOENT ? 0 : e; }
int host_name(const char *unused) { int e = RESULT(syscall(SYS_sethostname, "", -1)); return e == EINVAL ? 0 : e; }
int kernel_log(const char *unused) { return RESULT(syscall(SYS_syslog, 10, NULL, 0)); }
int type_into_terminal(const char *unused) { int e = RESULT(ioctl(0, TIOCSTI, "x")); return e == ENOTTY || e == EIO ? 0 : e; }
int unknown_call(const char *unused) { return RESULT(syscall(100000)); }

/* --- limits: these end in a signal or an error --- */
int use_memory(const char *bytes) { return mmap(NULL, atol(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0; }
int use_disk(const char *bytes) { int fd = open("big", O_CREAT | O_WRONLY, 0600); return RESULT(pwrite(fd, "x", 1, atol(bytes) - 1)); }
int use_cpu(const char *unused) { for (volatile long i = 0;; i++) {} }
int ignore_and_use_cpu(const char *unused) { signal(SIGXCPU, SIG_IGN); return use_cpu(unused); }
int fail_badly(const char *unused) { abort(); }
int raise_segfault(const char *unused) { return raise(SIGSEGV); }
#ifdef __x86_64__
int foreign_calls(const char *unused) { long r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory"); return r < 0 ? -r : 0; }
int x32_calls(const char *unused) { return RESULT(syscall(0x40000000 | SYS_getpid)); }
#endif

/* --- threads, as OpenMP makes them --- */
static void *work(void *slot) { volatile double x = 0; for (int i = 0; i < 100000; i++) x += i; *(double *) slot = x; return NULL; }
int threads(const char *count) {
  pthread_t id[64]; double sums[64] = {0}; int n = atoi(count);
  for (int i = 0; i < n; i++) { int e = pthread_create(&id[i], NULL, work, &sums[i]); if (e) return e; }
  for (int i = 0; i < n; i++) pthread_join(id[i], NULL);
  for (int i = 0; i < n; i++) if (sums[i] != 4999950000.0) return -1;
  return 0;
}
static void *spin(void *unused) {
  char *memory;
  while ((memory = malloc(1 << 16))) memset(memory, 1, 1 << 16);
  for (volatile long i = 0;; i++) {}
}
int swarm(const char *unused) { /* as many threads as there can be, each of which takes what memory it can get */
  pthread_attr_t small; pthread_t id; int count = 0;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN);
  while (pthread_create(&id, &small, spin, NULL) == 0) dprintf(1, "%d\n", ++count);
  spin(NULL);
  return 0;
}
static void *escape_from_thread(void *path) { return (void *) (long) open_read(path); }
int thread_escape(const char *path) { pthread_t id; void *r; int e = pthread_create(&id, NULL, escape_from_thread, (void *) path); if (e) return e; pthread_join(id, &r); return (long) r; }
int environment(const char *name) { return getenv(name) ? 0 : ENOENT; }
