/* Which machine is this, and who sees its locks? */
#ifndef CNN_BASE_LOCK_DOMAIN_H
#define CNN_BASE_LOCK_DOMAIN_H

/* The name of this machine as other machines know it: at most 64 letters, digits, '.', '-', '_'. */
void cnn_host_name(char name[65]);

/* Names the programs that see each other's locks in the folder: those under the same kernel for
 * which the folder is on the same mounted file system. Unique to the caller if that is unknown. */
void cnn_lock_domain(const char *folder, char name[80]);

#endif
