/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * errno.h: the error numbers that calls return, negative. They are those of the <errno.h> that there
 * is, of which nothing but its macros is used; where there is none they are Linux's. Some libraries
 * number EALREADY, EDEADLK and ENOSYS otherwise than Linux does, the others are alike everywhere.
 */
#ifndef QUARRY_ERRNO_H
#define QUARRY_ERRNO_H

#if defined(__has_include)
#if __has_include(<errno.h>)
#include <errno.h>
#endif
#endif

#ifndef EINVAL
#define EPERM	 1
#define ENOENT	 2
#define ENOMEM	 12
#define EFAULT	 14
#define EBUSY	 16
#define EEXIST	 17
#define EINVAL	 22
#define ENOSPC	 28
#define EDEADLK	 35
#define ENOSYS	 38
#define EALREADY 114
#endif

#endif
