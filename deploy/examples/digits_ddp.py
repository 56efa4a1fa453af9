#!/usr/bin/python3
"""Trains a small network on scikit-learn's digits with DistributedDataParallel over gloo.

Started once per rank with the variables that torch.distributed reads: RANK, WORLD_SIZE, MASTER_ADDR
and MASTER_PORT. Rank 0 writes a checkpoint after each epoch; a gang that starts again goes on after
the last one. Checkpoints lie in a directory of their own per job. The last line of rank 0 is the accuracy on samples that no rank has trained on.
"""

import argparse
import os
import time

# Before torch is loaded: with several ranks on one host more threads only fight each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
import torch.distributed as dist
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

SEED = 7
HELD_OUT = 360  # Of 1797 samples.


def load_data():
    """Returns (training set, held-out images, held-out labels), the same on every rank."""
    digits = load_digits()
    images = torch.tensor(digits.data / 16.0, dtype=torch.float32)
    labels = torch.tensor(digits.target, dtype=torch.int64)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(SEED))
    held_out, training = order[:HELD_OUT], order[HELD_OUT:]
    return TensorDataset(images[training], labels[training]), images[held_out], labels[held_out]


def save_checkpoint(path, epoch, model, optimizer):
    """Replaces the checkpoint in one step: a rank that dies here leaves the old one whole."""
    partial = f"{path}.{os.getpid()}"
    state = {"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
    with open(partial, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def resume(path, model, optimizer):
    """Loads the checkpoint, if there is one. Returns the first epoch that is still to do."""
    if not os.path.exists(path):
        return 0
    state = torch.load(path)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"] + 1


def train_epoch(model, optimizer, loader):
    """Returns the mean loss over all ranks."""
    total = torch.zeros(2)
    for images, labels in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()  # DDP averages the gradients of all ranks here.
        optimizer.step()
        total += torch.tensor([loss.item() * len(labels), len(labels)])
    dist.all_reduce(total)
    return (total[0] / total[1]).item()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--checkpoint_dir", default=os.environ.get("CKPT", ""),
                        help="where checkpoints go (default: $CKPT; empty: none are written)")
    parser.add_argument("--epoch_seconds", type=float, default=0.0,
                        help="the least time of one epoch, for demonstrations and fault tests")
    args = parser.parse_args()

    dist.init_process_group("gloo")
    rank, world_size = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    training, held_out_images, held_out_labels = load_data()
    model = DistributedDataParallel(
        nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    sampler = DistributedSampler(training, world_size, rank, seed=SEED)
    loader = DataLoader(training, batch_size=max(1, 64 // world_size), sampler=sampler)
    print(f"rank {rank} of {world_size}: {len(sampler)} of {len(training)} samples", flush=True)

    checkpoint = ""
    first_epoch = 0
    if args.checkpoint_dir:
        # The id is the same in every attempt of a job, and another one in the next job.
        directory = os.path.join(args.checkpoint_dir, os.environ.get("MUSTER_JOB_ID", ""))
        os.makedirs(directory, exist_ok=True)
        checkpoint = os.path.join(directory, "digits.pt")
        first_epoch = resume(checkpoint, model.module, optimizer)
        if first_epoch and rank == 0:
            print(f"resumed from {checkpoint}, after epoch {first_epoch - 1}", flush=True)

    for epoch in range(first_epoch, args.epochs):
        began = time.monotonic()
        sampler.set_epoch(epoch)
        loss = train_epoch(model, optimizer, loader)
        print(f"epoch {epoch} loss {loss:.4f}", flush=True)
        if checkpoint and rank == 0:
            save_checkpoint(checkpoint, epoch, model.module, optimizer)
        time.sleep(max(0.0, args.epoch_seconds - (time.monotonic() - began)))

    with torch.no_grad():
        guesses = model.module(held_out_images).argmax(dim=1)
        accuracy = (guesses == held_out_labels).float().mean().item()
    dist.barrier()  # Rank 0 hosts the store: it must not leave before the others are done.
    dist.destroy_process_group()
    if rank == 0:
        print(f"held-out accuracy {accuracy:.2f}", flush=True)


if __name__ == "__main__":
    main()
