/* Runs the embedded engine as a server: its command line listens where --query says SYSTEM START LISTEN. */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

int main(int argc, char **argv) {
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive tests that are killed */
#endif
  signal(SIGPIPE, SIG_IGN); /* the command line, unlike the server, would end when a client has gone before its answer */
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
  if (library == NULL) return fprintf(stderr, "%s\n", dlerror()), 1;
  void *(*run)(int, char **) = (void *(*)(int, char **))dlsym(library, "chdb_query_cmdline");
  if (run == NULL) return fprintf(stderr, "%s\n", dlerror()), 1;
  argv[1] = "clickhouse";
  run(argc - 1, argv + 1);
  return 0;
}
