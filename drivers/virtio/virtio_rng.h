/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_rng.h: random numbers from the host.
 */
#ifndef DRIVERS_VIRTIO_RNG_H
#define DRIVERS_VIRTIO_RNG_H

#include <quarry/types.h>

/*
 * virtio_rng_read() - fill data with size random bytes, a page at a time, asking again as long as
 * some come. 0; -ENODEV: there is no source, or it is out of use; -EIO: it gave nothing;
 * -ETIMEDOUT: it did not answer in virtio_timeout_ns and is out of use now. Context: thread on CPU
 * 0.
 */
int virtio_rng_read(void *data, size_t size);

#endif
