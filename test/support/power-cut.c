/* power-cut MOUNT FLAGS: the file system stops as if the power had gone. 1: what is in the journal's memory is written first, 2: nothing is. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#define FS_IOC_GOINGDOWN _IOR('X', 125, uint32_t)

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: power-cut MOUNT FLAGS\n"), 2;
  uint32_t flags = (uint32_t)atoi(argv[2]);
  int folder = open(argv[1], O_RDONLY | O_DIRECTORY);
  if (folder < 0) return perror(argv[1]), 1;
  if (ioctl(folder, FS_IOC_GOINGDOWN, &flags) != 0) return perror("FS_IOC_GOINGDOWN"), 1;
  return 0;
}
